"""The command line: parses options, prints tables or JSON, and turns errors into one line."""
