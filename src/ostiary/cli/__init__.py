"""The command line: one file per command group, each thin; `wiring` puts the parts together."""
