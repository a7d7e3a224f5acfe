"""Clients: the applications that may ask for tokens, and how operators register them."""
