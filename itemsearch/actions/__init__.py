"""What to do in the shop about the products that were decided: actions, merged listings, their files."""
