"""What somebody gets who installs the distribution."""
