"""Cases: everything about one account from its first hit to the close."""
