"""A relying party of its own: the client side of OpenID Connect Core, cheap and suspicious.

Browser, cookie jar, forms, PKCE, token requests and token verification. It shares no code with
identity, so that one mistake cannot hide on both sides.
"""
