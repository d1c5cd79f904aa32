"""Figures, tables, plots and pages, made from the saved predictions or metrics of a run."""
