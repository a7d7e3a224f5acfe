"""The authorization endpoint (RFC 6749, section 3.1; OIDC Core 1.0, section 3.1.2)."""
