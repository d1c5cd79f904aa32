"""Pages on which people look at what was found."""
