"""One file a command of `itemsearch benchmark`."""
