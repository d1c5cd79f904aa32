"""Opens files of every format as tables: bytes, then records, before anything is known of listings."""
