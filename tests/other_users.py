"""Acting as another user of this machine, for what the kernel says about who connects."""

import os


def as_user(uid: int) -> list[str]:
    """Return what to write before a command so that it runs with this user id.

    The capability to read anything is kept: Python itself may be installed where only the user
    who runs the tests can read. Connecting to a socket takes the right to write, which is not.
    """
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    read_anything = "+dac_read_search"
    return [
        *sudo,
        "setpriv",
        f"--reuid={uid}",
        f"--regid={uid}",
        "--clear-groups",
        f"--inh-caps={read_anything}",
        f"--ambient-caps={read_anything}",
        "--",
    ]
