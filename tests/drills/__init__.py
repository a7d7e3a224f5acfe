"""The drills themselves, run as a user runs them."""
