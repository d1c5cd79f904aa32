"""Experiments behind figures of the documentation; they are not part of the wheel."""
