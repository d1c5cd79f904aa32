"""Recognises the exports of shop systems, and reads them as listings without options."""
