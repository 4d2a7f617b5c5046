"""What the site wrote: its configuration, read with the place of every value."""
