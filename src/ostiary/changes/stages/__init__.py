"""The stages of a change, each with its phases: what may happen, and what follows from it.

A stage knows the stages after it, never those before: checking, approval, preparation,
canary, promotion, ending.
"""
