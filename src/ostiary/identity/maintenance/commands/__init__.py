"""One file per command. Each takes its request and returns what is answered, None for nothing.

A command is loaded when it is asked for: telling a revision must not cost loading a database
driver.
"""
