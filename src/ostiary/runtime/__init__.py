"""Where replicas run, behind one port: releases, processes, ports, and the data directory.

This slice starts and stops what it is told to; which replica should run is decided in `changes`
and `guard`. The edge, which routes to replicas, is the slice next door.
"""
