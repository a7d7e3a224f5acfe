"""How many places an account and a network may hold: the decision alone."""

from hypothesis import given
from hypothesis import strategies as st

from ostiary.identity.passwords.admission import Priority
from ostiary.identity.passwords.claims import Claim, fair

KNOWN, OTHER, SUSPECT = Priority
QUEUE = 16
ARRIVALS = st.lists(
    st.builds(
        Claim,
        st.sampled_from(Priority),
        st.sampled_from(["ada", "bob", "cleo"]),
        st.sampled_from(["home", "office"]),
    ),
    max_size=40,
)


def let_in(arrivals: list[Claim]) -> list[Claim]:
    """Return the claims that hold a place when nobody is served meanwhile."""
    holding: list[Claim] = []
    for claim in arrivals:
        stands = fair(claim, holding, queue=QUEUE)
        if stands is not None:
            holding.append(stands)
    return holding


def test_of_a_burst_of_guesses_for_one_account_two_are_under_way() -> None:
    burst = [Claim(OTHER, "ada", f"range {number}") for number in range(40)]
    assert len(let_in(burst)) == 2
    assert len(let_in([Claim(SUSPECT, "ada"), *burst])) == 2


def test_guesses_do_not_take_the_places_of_known_browsers() -> None:
    burst = [Claim(OTHER, "ada", "elsewhere")] * 10
    owner = Claim(KNOWN, "ada", "home")
    assert fair(owner, let_in(burst), queue=QUEUE) == owner


@given(ARRIVALS)
def test_no_account_holds_more_than_two_places_of_a_kind(arrivals) -> None:
    holding = let_in(arrivals)
    for account in ("ada", "bob", "cleo"):
        own = [each.priority is KNOWN for each in holding if each.account == account]
        assert own.count(True) <= 2
        assert own.count(False) <= 2


def test_known_places_cannot_be_bought_with_accounts_of_ones_own() -> None:
    bought = [Claim(KNOWN, f"account {number}", "mallory's") for number in range(QUEUE)]
    holding = let_in(bought)
    assert [each.priority for each in holding] == [KNOWN] * 4 + [OTHER] * 12
    owner = Claim(KNOWN, "ada", "home")
    assert fair(owner, holding, queue=QUEUE) == owner


def test_a_network_has_two_places_in_front_however_short_the_queue() -> None:
    household = [Claim(KNOWN, name, "home") for name in ("ada", "bob", "cleo")]
    holding: list[Claim] = []
    for claim in household:
        stands = fair(claim, holding, queue=1)
        assert stands is not None
        holding.append(stands)
    assert [each.priority for each in holding] == [KNOWN, KNOWN, OTHER]


def test_operators_and_newcomers_name_no_account_and_are_not_counted() -> None:
    assert len(let_in([Claim(KNOWN)] * 9 + [Claim(OTHER)] * 9)) == 18
