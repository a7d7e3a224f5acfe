"""The keys of an issuer: what they are for, fetching them, and keeping them fresh."""
