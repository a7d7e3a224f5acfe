"""What a rehearsal asks beside journeys: migrations on a copy, locks, start time, memory, files."""
