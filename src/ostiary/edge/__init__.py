"""The edge: Envoy in front of every replica.

It routes, asks the last good version for a second opinion, counts what each version answers, and
serves on while the rest of Ostiary is dead. `model` says what the edge is to do; `routes`,
`clusters`, `listener` and `bootstrap` turn that into Envoy's configuration without any effect;
`validation`, `files`, `admin`, `envoys` and `confirmation` are the effects; `edge` joins them.
"""
