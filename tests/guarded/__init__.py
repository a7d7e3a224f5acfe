"""Changes on the whole system: real processes, real Envoys, real releases with real faults."""
