"""Data sets, tasks with their correct answers, vector files, and the saved predictions of a run."""
