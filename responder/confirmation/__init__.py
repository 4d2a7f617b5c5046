"""Confirmation: whether independent evidence agrees, and with the account's own past."""
