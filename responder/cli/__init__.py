"""The command line; each file here that has a ``command`` is one command, found without a list."""
