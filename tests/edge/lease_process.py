"""A guard's lease port as a process of its own, so that it can be killed, stopped and restarted.

Run: python -m tests.edge.lease_process CHANGE EPOCH PORT
"""

import asyncio
import sys

from ostiary.guard.lease import LeaseServer, LeaseTerms
from ostiary.kernel.clock import SystemClock


async def main() -> None:
    change, epoch, port = sys.argv[1:]
    lease = LeaseServer(SystemClock(), seconds_max=3.0)
    lease.grant(LeaseTerms(change, epoch))
    await lease.start(port=int(port))
    print("listening", flush=True)
    while True:
        lease.renew()
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(main())
