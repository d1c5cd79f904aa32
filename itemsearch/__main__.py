"""Runs the command line: `python -m itemsearch` does what `itemsearch` does."""

from itemsearch.cli.app import main

if __name__ == "__main__":
    main()
