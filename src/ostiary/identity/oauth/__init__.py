"""OAuth 2.0 and OpenID Connect: one module or package per flow, on Authlib's server core."""
