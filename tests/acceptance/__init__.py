"""The command line at work on real servers, from outside."""
