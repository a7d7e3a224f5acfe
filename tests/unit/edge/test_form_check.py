"""One judgement for each form of the edge, whatever the addresses."""

from dataclasses import replace

from ostiary.edge.form_check import FormCheck, form_of
from ostiary.edge.model import CanaryArm, EdgeModel, Endpoint, Lease

STABLE = (Endpoint("a", "127.0.0.1", 1001, 1002), Endpoint("b", "127.0.0.1", 1003, 1004))
ARM = CanaryArm(
    "s-new", (Endpoint("c", "127.0.0.1", 1005, 1006),), 0.5, Lease("c-1", "e", "127.0.0.1", 9)
)
MODEL = EdgeModel("v1", "s-old", STABLE, ARM, status_url="")


def test_another_member_is_the_same_form():
    moved = replace(MODEL, stable=(Endpoint("d", "127.0.0.1", 2001, 2002),))
    assert form_of(moved) == form_of(MODEL)


def test_another_share_another_snapshot_and_another_family_of_addresses_are_others():
    others = [
        replace(MODEL, canary=replace(ARM, share=0.25)),
        replace(MODEL, last_good="s-older"),
        replace(MODEL, stable=(Endpoint("a", "::1", 1001, 1002),)),
        replace(MODEL, canary=None),
    ]
    forms = [form_of(each) for each in (MODEL, *others)]
    assert all(forms.index(form) == index for index, form in enumerate(forms))


def test_the_check_is_shown_the_form():
    shown: list[EdgeModel] = []
    FormCheck(shown.append)(MODEL)
    assert shown == [form_of(MODEL)]
