"""A team's own journeys: HTTP steps from the settings, tried beside the built-in ones.

`settings` is what a team writes, `templates`, `sources` and `patterns` its small languages; what
can be wrong with it is judged by `changes.rules`. `walk` goes through one journey at one target,
`trying` tries them all at several, with last good as the control. Nothing here knows the login
service: any HTTP target will do.
"""
