"""Signing keys: one per snapshot, published before it signs, cached for when the store is away."""
