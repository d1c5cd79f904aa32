"""The nightly rebuild: from a catalog to a published index, unattended."""
