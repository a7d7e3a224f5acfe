"""The binding between Authlib's framework-neutral core and this service's HTTP side."""
