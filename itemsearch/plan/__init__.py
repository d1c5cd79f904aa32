"""Forecasts what a catalog of a given size takes: time, machines, memory, disk and network."""
