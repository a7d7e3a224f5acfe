"""A small but honest OpenID Connect provider for tests, which can be told to misbehave.

It keeps everything in memory, speaks real HTTP on its own threads, and follows the routes of the
login service. A *fault* is a word that switches one mistake on; the tests show that each mistake
is found by the journey that is there for it.
"""
