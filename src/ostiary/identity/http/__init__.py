"""The HTTP side that all flows share: request context, the outcome header, problems, routing."""
