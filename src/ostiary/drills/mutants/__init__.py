"""The mutation trial: hundreds of small faults, each proposed as a change, and where it is stopped.

`code` and `settings` draw faults from a seed, `stages` proposes them to a running system. What
passed is judged: `observer` compares what clients see of the original and of the mutant, `suite`
runs identity's own tests on it. `scoring` says what that makes in all, `trial` puts it together.
"""
