"""What snapshots have minted, seen as sets: taking everything back that one of them gave out."""
