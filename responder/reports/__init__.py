"""Reports: what was done, to whom, on what evidence, and by whose word."""
