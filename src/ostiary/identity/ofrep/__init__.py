"""OFREP, the OpenFeature Remote Evaluation Protocol: applications ask for flags of their users."""
