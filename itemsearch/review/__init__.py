"""Pages on which people review groups and pairs: a report in one file, and a web application."""
