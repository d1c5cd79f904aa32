"""From query vectors to the nearest rows."""
