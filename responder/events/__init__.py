"""Events: the facts read from logs, joined to their accounts and kept."""
