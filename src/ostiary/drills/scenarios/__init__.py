"""Scenarios: a small typed file per drill, those that come with Ostiary and a team's own."""
