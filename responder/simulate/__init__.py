"""Labelled worlds: logs, directory and geography of a university that does not exist, and the truth about it."""
