"""Approvals: a person's answers to queued decisions."""
