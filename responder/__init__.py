"""responder: notices a hijacked mailbox, makes sure, shuts it everywhere, and proves what it did."""

__version__ = "0.1.0"
