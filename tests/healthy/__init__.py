"""Healthy changes of many kinds: all of them have to get through."""
