"""The unattended nightly rebuild, from a catalog to a published index version."""
