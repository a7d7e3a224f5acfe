"""People who sign in again and again through the edge, each on a new browser."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from ostiary.watch.relying_party.browser import Browser
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.errors import StepFailedError
from ostiary.watch.relying_party.front_channel import enter_password, sign_in_page
from ostiary.watch.relying_party.target import Target
from ostiary.watch.relying_party.wire import Wire
from tests.system import Account, RunningSystem


class SignIns:
    """So many people at the same time, who do not wait between two sign-ins."""

    def __init__(self, system: RunningSystem, accounts: list[Account]) -> None:
        self._target = Target("edge", system.issuer, system.issuer)
        self._accounts = accounts
        self.ended = threading.Event()
        self.answers: Counter[int] = Counter()

    def run(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        async with KeptConnections() as transport:
            wire = Wire(self._target, transport)
            await asyncio.gather(*(self._sign_in(wire, each) for each in self._accounts))

    async def _sign_in(self, wire: Wire, account: Account) -> None:
        while not self.ended.is_set():
            browser = Browser(wire)
            try:
                page = sign_in_page(await browser.get("sign_in_page", "/sign-in"))
                assert page is not None
                answer = await enter_password(browser, page, account.email, account.password)
            except StepFailedError:
                self.answers[0] += 1
            else:
                self.answers[answer.status] += 1
                if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
                    # As people do who are told to come back; at once, they would keep it busy.
                    await asyncio.sleep(1)


@contextmanager
def signing_in(system: RunningSystem, people: int) -> Iterator[SignIns]:
    """Let people sign in while the block runs; what they got is in `answers` after it."""
    sign_ins = SignIns(system, [system.new_account() for _ in range(people)])
    thread = threading.Thread(target=sign_ins.run)
    thread.start()
    try:
        yield sign_ins
    finally:
        sign_ins.ended.set()
        thread.join()
