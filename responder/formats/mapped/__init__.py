"""Already parsed JSON lines, by a mapping of the site; loaded only where one is asked for."""
