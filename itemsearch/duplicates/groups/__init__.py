"""Groups of listings that are one product."""
