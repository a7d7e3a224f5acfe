"""What classes of requests are called where people read of them."""

import pytest

from ostiary.edge.class_words import class_in_words
from ostiary.edge.route_classes import STRATA, service_class, service_strata


@pytest.mark.parametrize(
    ("stratum", "words"),
    [
        ("sign_in", "sign-in"),
        ("sign_in.password", "sign-in (password)"),
        ("token.refresh_token", "token (refresh)"),
        ("other", "other requests"),
        ("service_orders_1_safe", "orders (may be asked twice)"),
        ("service_orders_1_unsafe", "orders (asked once only)"),
        ("service_orders_2_safe", "orders route 2 (may be asked twice)"),
        ("service_a_1_safe_2_unsafe", "a_1_safe route 2 (asked once only)"),
        ("somebody_s_own", "somebody_s_own"),
        ("somebody_s.own", "somebody_s (own)"),
    ],
)
def test_a_class_is_told_in_words(stratum, words):
    assert class_in_words(stratum) == words


def test_the_first_of_several_routes_has_its_number():
    several = service_strata("orders", 2)
    assert class_in_words(several[0], several) == "orders route 1 (may be asked twice)"
    # Another service's second route is none of its own.
    others = service_strata("shop", 2)
    assert class_in_words("service_orders_1_safe", others) == "orders (may be asked twice)"


def test_no_two_classes_are_called_alike_and_none_by_its_code():
    classes = (*STRATA, *service_strata("orders", 3), service_class("shop", 1, safe=True))
    words = [class_in_words(each, classes) for each in classes]
    assert len(set(words)) == len(words)
    assert not [each for each in words if "_" in each]
