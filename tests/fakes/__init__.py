"""Hand-written stand-ins for ports. Each keeps the contract of the port it replaces."""
