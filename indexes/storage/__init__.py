"""The files of an index: versions, their publishing, and what lies in them."""
