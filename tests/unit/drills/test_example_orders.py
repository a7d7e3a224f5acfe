"""Orders of the example may be asked for twice: that is what its `ask_again` promises the edge."""

import importlib
import threading

import pytest

from ostiary.drills.example import example_services


@pytest.fixture
def orders(tmp_path, monkeypatch):
    """The store of the example, as its own program imports it."""
    monkeypatch.syspath_prepend(example_services("orders")["orders"]["release"])
    return importlib.import_module("orders.store").Orders(tmp_path / "orders.db")


def test_one_request_makes_one_order_however_often_it_comes(orders):
    first = orders.add("her", "tea", 2, "r-1")

    assert orders.add("her", "tea", 2, "r-1") == first
    assert orders.add("her", "tea", 2, "r-2") != first
    assert orders.add("him", "tea", 2, "r-1") != first, "a request is one person's"
    assert len(orders.of("her")) == 2


def test_what_has_no_id_is_made_each_time(orders):
    assert orders.add("her", "tea", 2, None) != orders.add("her", "tea", 2, None)


def test_attempts_at_the_same_moment_make_one_order(orders):
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(orders.add("her", "tea", 2, "r-1")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 8
    assert all(each == made[0] for each in made)
    assert len(orders.all()) == 1


def test_the_example_says_that_it_may_be_asked_again():
    assert example_services("orders")["orders"]["ask_again"] == ["/orders"]
