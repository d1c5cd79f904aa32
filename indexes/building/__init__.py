"""From vectors to an index: choose, train, tune, measure."""
