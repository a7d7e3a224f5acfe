"""Faults that are injected into a running system, and removed again; `registry` lists them."""
