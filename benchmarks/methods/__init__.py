"""The methods that are compared: itemsearch, baselines, models of others, and other vector indexes."""
