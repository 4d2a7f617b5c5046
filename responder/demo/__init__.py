"""A demonstration without real systems: stand-ins that speak their protocols, and a mail log to replay."""
