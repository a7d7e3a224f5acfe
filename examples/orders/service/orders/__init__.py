"""A small API behind Ostiary: people list and make orders, clerks see those of everybody."""
