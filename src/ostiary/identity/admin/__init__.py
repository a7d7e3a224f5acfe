"""Administration of accounts over HTTP, for the holder of the admin token."""
