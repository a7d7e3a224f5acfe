"""The lease port answers for the present change and epoch, while the guard's loop lives."""

import asyncio

import httpx
import pytest

from ostiary.guard.lease import LeaseServer, LeaseTerms
from tests.fakes.clock import FakeClock

TERMS = LeaseTerms("c-1", "epoch-1")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def lease(clock: FakeClock) -> LeaseServer:
    return LeaseServer(clock, seconds_max=3.0)


def test_nothing_is_answered_before_a_lease_is_granted(lease):
    assert not lease.answers(TERMS.path)


def test_a_granted_lease_is_answered_for_its_path_only(lease):
    lease.grant(TERMS)
    assert lease.answers("/lease/c-1/epoch-1")
    assert not lease.answers("/lease/c-1/epoch-0")
    assert not lease.answers("/lease/c-2/epoch-1")
    assert not lease.answers("/")


def test_a_loop_that_hangs_loses_the_lease_and_regains_it_by_renewing(lease, clock):
    lease.grant(TERMS)
    clock.advance(3.1)
    assert not lease.answers(TERMS.path)
    lease.renew()
    assert lease.answers(TERMS.path)


def test_a_jump_of_the_wall_clock_changes_nothing(lease, clock):
    lease.grant(TERMS)
    clock.jump(3600)
    assert lease.answers(TERMS.path)
    clock.jump(-7200)
    assert lease.answers(TERMS.path)


def test_a_withdrawn_lease_is_not_answered_even_when_renewed(lease):
    lease.grant(TERMS)
    lease.withdraw()
    lease.renew()
    assert not lease.answers(TERMS.path)


def test_a_withdrawal_with_a_delay_lets_the_lease_hold_until_then(lease, clock):
    lease.grant(TERMS)
    lease.withdraw(after=2.0)
    clock.advance(1.9)
    assert lease.answers(TERMS.path)
    lease.withdraw(after=2.0)
    clock.advance(0.2)
    assert not lease.answers(TERMS.path), "a later withdrawal does not put it off"
    lease.grant(TERMS)
    assert lease.answers(TERMS.path)


def test_a_withdrawal_with_a_delay_holds_for_no_loop_that_hangs(lease, clock):
    lease.grant(TERMS)
    lease.withdraw(after=10.0)
    clock.advance(3.1)
    assert not lease.answers(TERMS.path)


def test_a_replica_that_was_silent_is_left_out_until_it_answers_again(lease):
    lease.grant(TERMS)
    lease.renew(silent={"canary-2"})
    assert lease.answers(TERMS.path, "canary-1")
    assert not lease.answers(TERMS.path, "canary-2")
    lease.renew()
    assert lease.answers(TERMS.path, "canary-2")


def test_health_checks_are_answered_over_http_on_one_connection(lease):
    async def ask() -> list[int]:
        port = await lease.start()
        lease.grant(TERMS)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            codes = [(await client.get(TERMS.path)).status_code]
            lease.renew(silent={"canary-2"})
            for name in ("canary-1", "canary-2"):
                answer = await client.get(TERMS.path, headers={"host": name})
                codes.append(answer.status_code)
            lease.withdraw()
            codes.append((await client.get(TERMS.path)).status_code)
        await lease.stop()
        return codes

    assert asyncio.run(ask()) == [200, 200, 503, 503]


def test_rubbish_on_the_port_is_not_answered_and_harms_nobody(lease):
    async def send() -> int:
        port = await lease.start()
        lease.grant(TERMS)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x00" * 20_000 + b"\r\n\r\n")
        await reader.read()
        writer.close()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            code = (await client.get(TERMS.path)).status_code
        await lease.stop()
        return code

    assert asyncio.run(send()) == 200
