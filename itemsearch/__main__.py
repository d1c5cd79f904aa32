"""`python -m itemsearch`: the command line."""

from itemsearch.cli.app import main

if __name__ == "__main__":
    main()
