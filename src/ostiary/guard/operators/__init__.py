"""Operators: who asks the guard for something, and whether they may.

Names and roles stand in `[guard.operators]`, whose form `changes` owns; what an approval means for
a change is decided there as well.
"""
