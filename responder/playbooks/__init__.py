"""Playbooks: what is done about a hijacked account, step by step, as a YAML file."""
