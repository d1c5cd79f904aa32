"""Downloads the pictures of a catalog that are web addresses, and keeps them up to date."""
