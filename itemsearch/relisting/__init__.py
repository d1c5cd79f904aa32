"""What another seller does to a title and a picture when listing the same product again."""
