"""Decisions: what the site's written policy makes of a confirmed case."""
