"""Pages and plots, made from predictions alone."""
