"""The guard: the control-plane process that watches, decides, and puts things back.

It owns the loop, the API on a Unix socket, the lease port and the supervision of replicas and
Envoys. It depends on nothing that it guards: own journal, own process, own access. Its death
stops nothing; the data plane serves on and a canary drains by itself.
"""
