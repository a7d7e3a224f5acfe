"""Revisions, one file each, named by number. A revision only expands what is there."""
