"""Guards and sockets of the two web applications, `itemsearch review` and `itemsearch serve`."""
