"""Publishes immutable versions of an index folder, and reads and writes the files of a version."""
