"""`itemsearch serve`: searches and matches over HTTP."""
