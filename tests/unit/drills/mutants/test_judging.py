"""What a trial makes of a mutant, and what it remembers."""

import pytest

from ostiary.drills.mutants.answers import compared
from ostiary.drills.mutants.body_form import parts_of
from ostiary.drills.mutants.cache import Cache, code_hash
from ostiary.drills.mutants.model import End, Mutant, MutantKind, Passage, Trial
from ostiary.drills.mutants.scoring import meets_expectation, score_to_json


def mutant(number: int = 1, kind: MutantKind = MutantKind.CODE, text: str = "x") -> Mutant:
    return Mutant(kind, number, "ostiary/identity/a.py", 3, text, "--- a\n+++ a\n@@\n-y\n+x")


@pytest.mark.parametrize(
    ("passage", "tests", "kind", "end"),
    [
        (Passage("check"), None, MutantKind.CODE, End.CHECK),
        (Passage("rehearse"), None, MutantKind.CODE, End.REHEARSE),
        (Passage("canary", seen=("GET /: x",)), None, MutantKind.CODE, End.CANARY),
        (Passage("bake"), None, MutantKind.CODE, End.BAKE),
        (Passage(None), (), MutantKind.CODE, End.HARMLESS),
        (Passage(None), ("test_a",), MutantKind.CODE, End.ESCAPED),
        (Passage(None, seen=("GET /: x",)), (), MutantKind.CODE, End.ESCAPED),
        (Passage(None), None, MutantKind.CODE, End.UNJUDGED),
        (Passage(None, worded=("GET /: x",)), ("test_a",), MutantKind.CODE, End.REWORDED),
        (Passage(None, ("GET /: y",), ("GET /: y",), ("x",)), (), MutantKind.CODE, End.ESCAPED),
        # Identity's tests say nothing about settings.
        (Passage(None), None, MutantKind.SETTINGS, End.HARMLESS),
        (Passage(None, seen=("GET /: x",)), None, MutantKind.SETTINGS, End.ESCAPED),
    ],
)
def test_an_end_follows_from_what_is_known(passage, tests, kind, end) -> None:
    assert Trial(mutant(kind=kind), passage, tests).end is end


def test_what_clients_can_tell_and_users_who_were_affected_fail_the_trial() -> None:
    stopped = Trial(mutant(1), Passage("rehearse"))
    only_tests = Trial(mutant(2), Passage(None), ("test_a",))
    assert meets_expectation([stopped, only_tests])
    seen = Trial(mutant(3), Passage(None, seen=("GET /: x",)), ())
    assert not meets_expectation([stopped, seen])
    affected = Trial(mutant(4), Passage("canary", users=1))
    assert not meets_expectation([affected])

    score = score_to_json([stopped, only_tests, seen, affected])

    assert score["ends"] == {
        "check": 0,
        "rehearse": 1,
        "canary": 1,
        "bake": 0,
        "harmless": 0,
        "reworded": 0,
        "escaped": 2,
        "unjudged": 0,
    }
    assert score["users_affected"] == 1
    assert score["unnoticed_by_clients"] == 1
    assert [each["mutant"] for each in score["escapes"]] == [2, 3]
    assert score["escapes"][0]["tests"] == ["test_a"]
    assert score["escapes"][1]["seen"] == ["GET /: x"]


def view(status: str = "200", outcome: str = "ok", words: str = "as ever") -> dict[str, str]:
    return {"status": status, "outcome": outcome, "words": words}


def test_only_what_is_steady_and_different_counts() -> None:
    first = {f"GET /{name}": view() for name in ("", "a", "b", "c", "d")}
    again = {**first, "GET /b": view(words="by chance")}
    new = {
        "GET /": view(),
        "GET /a": view(status="500", words="as never"),
        "GET /b": view(words="something else"),
        "GET /c": view(status="503", outcome="overloaded"),
        "GET /d": view(words="as once"),
    }

    found = compared(first, again, new)

    assert found.seen == ("GET /a: status '500' instead of '200'",)
    assert found.worded == ("GET /d: words 'as once' instead of 'as ever'",)


def form_of(body: str) -> str:
    return parts_of(body)[0]


def test_of_a_body_programs_see_fields_links_and_forms() -> None:
    refusal = '{"error": "invalid_grant", "error_description": "%s"}'
    assert form_of(refusal % "One.") == form_of(refusal % "Two.")
    assert form_of(refusal % "One.") != form_of('{"error": "invalid_grant"}')
    assert parts_of(refusal % "One.")[1] == "One."
    page = '<!doctype html><html><form method="post"><input name="%s" value="%s"><p>%s</p></html>'
    assert form_of(page % ("email", "1", "Sign in")) == form_of(page % ("email", "2", "Come in"))
    assert form_of(page % ("email", "1", "Sign in")) != form_of(page % ("mail", "1", "Sign in"))
    assert parts_of(page % ("email", "1", "Sign  in"))[1] == "Sign in"
    assert parts_of("plain text") == ("plain text", "")


def test_which_keys_there_are_changes_by_itself_and_that_there_are_any_does_not() -> None:
    assert parts_of('{"keys": [{"kid": "a"}]}') == parts_of('{"keys": [{"kid": "b"}, {}]}')
    assert parts_of('{"keys": [{"kid": "a"}]}') != parts_of('{"keys": []}')


def test_what_is_not_asked_for_after_a_busy_answer_is_nobodys_fault() -> None:
    first = {"GET /": view(), "GET /a": view()}
    assert compared(first, dict(first), {"GET /": view(outcome="overloaded")}).seen == ()


def test_a_request_that_was_not_made_any_more_is_told() -> None:
    first = {"GET /": view()}
    (line,) = compared(first, dict(first), {}).seen
    assert "status 'nothing' instead of '200'" in line


def test_results_are_kept_for_one_state_of_the_code_and_one_way_to_go(tmp_path) -> None:
    cache, passage = (
        Cache(tmp_path, "a" * 64),
        Passage("rehearse", ("why",), ("GET /: x",), ("GET /: z",), 2),
    )
    cache.keep_passage(mutant(), passage, all_the_way=False)
    cache.keep_tests(mutant(), ["test_a"])

    assert cache.passage(mutant(number=9), all_the_way=False) == passage
    assert cache.tests(mutant()) == ("test_a",)
    assert cache.passage(mutant(), all_the_way=True) is None
    assert cache.passage(mutant(text="z"), all_the_way=False) is None
    assert Cache(tmp_path, "b" * 64).passage(mutant(), all_the_way=False) is None
    for path in tmp_path.rglob("*.json"):
        path.write_text('{"stopped_')
    assert cache.passage(mutant(), all_the_way=False) is None


def test_the_code_is_known_by_its_files_names_and_texts(tmp_path) -> None:
    (tmp_path / "a.py").write_text("1")
    before = code_hash(tmp_path, tmp_path / "missing")
    (tmp_path / "notes.txt").write_text("no code")
    assert code_hash(tmp_path) == before
    (tmp_path / "a.py").write_text("2")
    assert code_hash(tmp_path) != before
