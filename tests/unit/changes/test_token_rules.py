"""What tokens say is changed on purpose or not at all, and every refusal says what to write."""

import pytest

from ostiary.changes.checks import check_configuration, check_file
from ostiary.changes.configuration import load_configuration
from ostiary.changes.rules.surroundings import NOTHING_KNOWN, Surroundings
from ostiary.changes.snapshot_settings import SnapshotSettings

ISSUER = "http://127.0.0.1:8000"
CHOOSE = "Write ES256, RS256 or EdDSA."


@pytest.fixture
def refusals(tmp_path):
    """Return a function that proposes a file beside what is served."""

    def propose(text, surroundings):
        file = tmp_path / "ostiary.toml"
        file.write_text(text)
        return check_configuration(load_configuration(file), surroundings)

    return propose


def served(*, issuer=ISSUER, waits=None, **tables):
    last_good = SnapshotSettings.model_validate(tables)
    return Surroundings(last_good=last_good, issuer=issuer, seconds_until_claimable=waits)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("HS256", f"with HS256, whoever can check a token could also make one. {CHOOSE}"),
        ("none", f"with none, nobody could tell a token from a forged one. {CHOOSE}"),
        ("es256", '"es256" is not spelled as it stands in tokens. Write "ES256".'),
        ("ES384", f"ES384 is not available. {CHOOSE}"),
        ("RS256 ", '"RS256 " is not spelled as it stands in tokens. Write "RS256".'),
        ("Ed25519", '"Ed25519" is not spelled as it stands in tokens. Write "EdDSA".'),
        ("", f'"" is no algorithm that tokens can be signed with. {CHOOSE}'),
        ("{x} ES256", f'"{{x}} ES256" is no algorithm that tokens can be signed with. {CHOOSE}'),
    ],
    ids=["HS256", "none", "es256", "ES384", "RS256 and a blank", "Ed25519", "empty", "braces"],
)
def test_a_signing_algorithm_outside_the_list_is_refused_with_what_to_write(tmp_path, value, said):
    file = tmp_path / "ostiary.toml"
    file.write_text(f'[identity]\nsigning_algorithm = "{value}"\n')
    (problem,) = check_file(file)
    assert (problem.key, problem.line) == ("identity.signing_algorithm", 2)
    assert problem.message == f"`identity.signing_algorithm`: {said}"


@pytest.mark.parametrize("value", ["ES256", "RS256", "EdDSA"])
def test_every_algorithm_of_the_list_passes(tmp_path, value):
    file = tmp_path / "ostiary.toml"
    file.write_text(f'[identity]\nsigning_algorithm = "{value}"\n')
    assert check_file(file) == ()


@pytest.mark.parametrize(
    ("text", "key", "code"),
    [
        ("previous_audiences = ['a b']", "identity.previous_audiences[0]", "audience_with_blanks"),
        (
            "audience = 'x'\nprevious_audiences = ['y', 'x']",
            "identity.previous_audiences[1]",
            "previous_audience_repeated",
        ),
        (
            "previous_audiences = ['y', 'y']",
            "identity.previous_audiences[1]",
            "previous_audience_repeated",
        ),
        ("previous_audiences = ['']", "identity.previous_audiences[0]", "wrong_value"),
        ("previous_audiences = [1]", "identity.previous_audiences[0]", "wrong_type"),
        ("previous_audiences = 'y'", "identity.previous_audiences", "wrong_type"),
        (
            "previous_audiences = ['a', 'b', 'c', 'd', 'e']",
            "identity.previous_audiences",
            "wrong_value",
        ),
    ],
)
def test_previous_audiences_that_make_no_sense_are_refused(tmp_path, text, key, code):
    file = tmp_path / "ostiary.toml"
    file.write_text(f"[identity]\n{text}\n")
    (problem,) = check_file(file)
    assert (problem.key, problem.code) == (key, code)
    assert problem.message


@pytest.mark.parametrize(
    ("last_good", "proposed", "old", "new", "listed"),
    [
        ({"audience": "old"}, 'audience = "new"', '"old"', '"new"', '["old"]'),
        ({}, 'audience = "new"', f'"{ISSUER}"', '"new"', f'["{ISSUER}"]'),
        ({"audience": "old"}, "", '"old"', f'"{ISSUER}"', '["old"]'),
        (
            {"audience": "b", "previous_audiences": ["a"]},
            'audience = "c"\nprevious_audiences = ["a"]',
            '"b"',
            '"c"',
            '["b", "a"]',
        ),
    ],
    ids=["another", "from the issuer", "to the issuer", "in the middle of a migration"],
)
def test_another_audience_is_refused_with_the_lines_of_a_migration(
    refusals, last_good, proposed, old, new, listed
):
    (problem,) = refusals(f"[identity]\n{proposed}\n", served(identity=last_good))
    assert (problem.code, problem.key) == ("audience_changed", "identity.audience")
    assert problem.message == (
        f"`identity.audience` changes from {old} to {new}; applications that compare with {old} "
        "would refuse every new token."
    )
    assert problem.hint == (
        f"Write `previous_audiences = {listed}` in `[identity]` beside it, and remove that again "
        f"when all applications compare with {new}."
    )


@pytest.mark.parametrize(
    ("last_good", "proposed"),
    [
        ({"audience": "old"}, 'audience = "old"\nthreads = 5'),
        ({"audience": "old"}, 'audience = "new"\nprevious_audiences = ["old"]'),
        ({}, f'audience = "new"\nprevious_audiences = ["{ISSUER}"]'),
        ({}, f'audience = "{ISSUER}"'),
        ({"audience": "new", "previous_audiences": ["old"]}, 'audience = "new"'),
    ],
    ids=["the same", "migrated", "migrated from the issuer", "the issuer written out", "finished"],
)
def test_an_audience_that_stays_or_is_migrated_passes(refusals, last_good, proposed):
    assert refusals(f"[identity]\n{proposed}\n", served(identity=last_good)) == ()


def test_what_a_refused_audience_was_told_to_write_passes(refusals):
    text = '[identity]\naudience = "new"\n'
    (problem,) = refusals(text, served(identity={"audience": 'ol"d'}))
    line = problem.hint.split("`")[1]
    assert refusals(text + line, served(identity={"audience": 'ol"d'})) == ()


@pytest.mark.parametrize(
    ("last_good", "proposed", "old", "new", "keep"),
    [
        ("https://a.example", "https://b.example", '"https://a.example"', '"https://b.example"',
         'Write `public_url = "https://a.example"`'),
        ("https://a.example", None, '"https://a.example"', "the listening address",
         'Write `public_url = "https://a.example"`'),
        (None, "https://b.example", f'"{ISSUER}"', '"https://b.example"', "Remove it"),
    ],
)  # fmt: skip
def test_another_issuer_is_refused_with_how_to_change_it(
    refusals, last_good, proposed, old, new, keep
):
    before = served(
        issuer=last_good or ISSUER,
        edge={} if last_good is None else {"public_url": last_good},
    )
    edge = "" if proposed is None else f'[edge]\npublic_url = "{proposed}"\n'
    (problem,) = refusals(edge, before)
    assert (problem.code, problem.key) == ("issuer_changed", "edge.public_url")
    assert f"from {old} to {new};" in problem.message
    assert problem.hint.startswith(f"{keep} to keep it.")
    assert "`ostiary up --config FILE`" in problem.hint


def test_the_running_address_written_out_is_no_other_issuer(refusals):
    assert refusals(f'[edge]\npublic_url = "{ISSUER}"\n', served()) == ()


@pytest.mark.parametrize(
    ("waits", "when"),
    [
        ({"ES256": 0.0, "RS256": 41.6}, "it will be possible in 42 s"),
        ({"ES256": 0.0}, "keys for it are made within a minute after the start"),
    ],
)
def test_an_algorithm_without_a_key_that_everybody_knows_is_refused_until_there_is_one(
    refusals, waits, when
):
    text = '[identity]\nsigning_algorithm = "RS256"\n'
    (problem,) = refusals(text, served(waits=waits))
    assert (problem.code, problem.line) == ("signing_key_too_new", 2)
    assert problem.message == (
        "`identity.signing_algorithm` is RS256, but no RS256 key has been published for long "
        f"enough that everybody knows it; {when}."
    )
    assert refusals(text, served(waits={**waits, "RS256": 0.0})) == ()


@pytest.mark.parametrize(
    "surroundings",
    [
        served(waits=None),
        served(waits={"ES256": 0.0}, identity={"signing_algorithm": "RS256"}),
    ],
    ids=["nobody knows", "it signs already"],
)
def test_an_algorithm_of_which_nothing_is_to_be_said_passes(refusals, surroundings):
    assert refusals('[identity]\nsigning_algorithm = "RS256"\n', surroundings) == ()


def test_a_file_by_itself_is_compared_with_nothing(refusals):
    text = (
        '[identity]\naudience = "new"\nsigning_algorithm = "RS256"\n'
        '[edge]\npublic_url = "https://b.example"\n'
    )
    assert refusals(text, NOTHING_KNOWN) == ()
