"""The kill matrix: faults at random moments from a seed, under traffic; promises are checked."""
