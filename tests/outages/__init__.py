"""The store goes away under a running replica, in every way that real ones do."""
