"""The benchmark commands: each file runs the command `itemsearch benchmark` of its name."""
