"""Builds index folders over stores and answers queries from them."""
