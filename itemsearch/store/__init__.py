"""Embedded catalogs on disk: Parquet shards and a manifest that is written last."""
