"""What `ostiary status` says of empty seats."""

from ostiary.cli.status_view import lopsided_edge, missing_replicas


def seat(at: str | None = None) -> dict[str, object]:
    last_exit = None if at is None else {"at": at, "how": f"died ({at})", "log": []}
    return {"restarts": 0, "last_exit": last_exit}


def test_nothing_is_said_where_nobody_is_missing() -> None:
    assert missing_replicas({"replicas_missing": []}) == []


def test_one_line_says_how_many_are_missing_and_how_the_latest_ended() -> None:
    (line,) = missing_replicas({"replicas_missing": [seat("10:00"), seat("11:00"), seat()]})
    assert line.startswith("missing: 3;")
    assert line.endswith("the latest ended at 11:00: died (11:00)")


def test_a_seat_that_nobody_left_is_missing_too() -> None:
    (line,) = missing_replicas({"replicas_missing": [seat()]})
    assert "ended" not in line


def test_an_edge_that_spreads_as_intended_is_not_mentioned():
    assert lopsided_edge({"balance": {"lopsided": None}}) == []


def test_a_lopsided_edge_is_named_with_who_gets_too_much():
    lopsided = {
        "since": "10:00",
        "seat": 1,
        "replica": "identity-a",
        "share": 0.94,
        "intended_share": 0.5,
    }
    (line,) = lopsided_edge({"balance": {"lopsided": lopsided}})
    assert "seat 1 (identity-a) gets 94% of the requests, not 50%" in line


def test_empty_seats_of_other_services_are_told_apart():
    orders = {"service": "orders"} | seat("10:00")
    lines = missing_replicas({"replicas_missing": [orders, seat(), orders]})
    assert lines[0] == "missing: 1; started again as soon as possible"
    assert lines[1].startswith(
        "missing of orders: 2; started again as soon as possible; the latest"
    )
