"""Encodes listings with a pre-trained model and embeds catalogs into stores."""
