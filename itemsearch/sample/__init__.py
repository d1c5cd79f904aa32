"""A drawn sample catalog: invented products, so that nothing real need be shipped."""
