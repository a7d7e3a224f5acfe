"""The verdict service: it answers whether a rollout that somebody else drives may go on.

`record` reads the journal, `service` keeps it, `trying` walks journeys at both versions, `api`
answers over HTTP, and `process` is its life. What a verdict is, `changes.verdicts` decides.
"""
