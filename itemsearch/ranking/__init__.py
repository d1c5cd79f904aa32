"""What speaks for two listings being one product, and how it is weighed."""
