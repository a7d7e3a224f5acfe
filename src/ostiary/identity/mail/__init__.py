"""Mail to the people who sign in: written with the effect it tells about, sent afterwards."""
