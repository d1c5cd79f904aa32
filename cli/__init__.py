"""The command line: options in, tables or JSON out, errors in one line."""
