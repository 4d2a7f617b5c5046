"""Runs: one execution of a playbook for a case, journalled so that nothing happens twice."""
