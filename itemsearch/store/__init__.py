"""Writes and reads embedded catalogs on disk: Parquet shards, and a manifest that is written last."""
