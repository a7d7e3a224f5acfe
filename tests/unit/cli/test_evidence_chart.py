"""The chart of the evidence: what it shows, at which width, and with which characters."""

import io
from typing import Any

import pytest
from rich.console import Console

from ostiary.cli.evidence_chart import in_words, show_evidence
from ostiary.cli.plotting import ASCII, UNICODE, Reach, Scale, bars, draw

LED = "token: 12 of 14 canary requests failed, 0 of 15 control"
REACHED = {"at": "2026-01-02T12:03:07.250Z", "seconds": 31.25, "log_e": 7.9, "text": LED}


def point(seconds: float, log_e: float, *, lasted: float = 1.0, **more: Any) -> dict[str, Any]:
    plain = {"canary_requests": 4, "control_requests": 5, "share": 0.1, "strata": {}}
    value = {"seconds": seconds, "lasted": lasted, "log_e": log_e, "low": log_e, "high": log_e}
    return {**value, **plain, **more}


EVIDENCE = {
    "began_at": "2026-01-02T12:02:36.000Z",
    "threshold": 6.908,
    "steps": [{"seconds": 0.0, "share": 0.0}, {"seconds": 8.0, "share": 0.05}],
    "reached": REACHED,
    "highest": REACHED,
    "points": [
        *[point(float(second), -0.1) for second in range(1, 25)],
        *[point(float(second), 3.0) for second in range(25, 31)],
        point(31.25, 7.9, lasted=1.25),
    ],
}
NEVER = EVIDENCE | {"reached": None, "highest": None, "points": EVIDENCE["points"][:20]}  # type: ignore[index]


def shown(evidence, *, width: int = 80, encoding: str = "utf-8") -> list[str]:
    raw = io.BytesIO()
    console = Console(
        file=io.TextIOWrapper(raw, encoding=encoding), width=width, highlight=False, soft_wrap=True
    )
    show_evidence(console, evidence)
    console.file.flush()
    return raw.getvalue().decode(encoding).splitlines()


def test_the_words_name_moment_evidence_threshold_and_counts():
    said = in_words(EVIDENCE)
    assert said.startswith(
        "At 12:03:07 UTC, 31 s after the canary began, the evidence reached 7.9 of 6.9 nats: "
        f"{LED}."
    )
    assert "at most 0.1 %" in said


def test_a_change_that_stayed_below_says_how_far_it_came():
    highest = REACHED | {"log_e": 1.24}
    said = in_words(EVIDENCE | {"reached": None, "highest": highest})
    assert "did not reach 6.9 nats in 124 canary and 155 control requests" in said
    assert f"highest at 12:03:07 UTC with 1.2: {LED}." in said
    assert "nothing spoke for harm" in in_words(NEVER)


@pytest.mark.parametrize("width", [80, 40, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_every_line_fits_the_terminal(width, encoding):
    lines = shown(EVIDENCE, width=width, encoding=encoding)
    assert max(map(len, lines)) <= width
    chart = lines[1 : lines.index("", 1)]
    assert len(chart) > 15
    assert not any(line.endswith(" ") for line in chart)


@pytest.mark.parametrize(
    ("encoding", "line", "dashes", "mark"), [("utf-8", None, "╌", "┊"), ("ascii", "*", "-", ":")]
)
def test_line_threshold_and_steps_are_where_the_numbers_say(encoding, line, dashes, mark):
    lines = shown(EVIDENCE, encoding=encoding)
    rows = {text.split()[0]: text for text in lines if text[:9].strip().replace(".", "").isdigit()}
    assert list(rows)[:3] == ["7.9", "6.9", "0.0"]
    assert dashes * 20 in rows["6.9"]
    assert rows["0.0"][10] == (line or "⣀")
    assert rows["7.9"][-1] != " "
    # The mark of the step stands above its label.
    (share,) = [text for text in lines if text.strip().startswith("share")]
    column = share.index("5%")
    assert lines[4][column] == mark
    assert share.index("0%") == 10


def test_time_is_told_in_minutes_and_seconds():
    long = [point(60.0 * minute, 0.0, lasted=60.0) for minute in range(1, 16)]
    (times,) = [text for text in shown(EVIDENCE | {"points": long}) if "min:s" in text]
    assert times.split()[1:3] == ["0:00", "5:00"]


def test_a_label_at_the_right_end_still_fits():
    exact = [point(60.0 * minute, 0.0, lasted=60.0) for minute in range(1, 11)]
    (times,) = [text for text in shown(EVIDENCE | {"points": exact}) if "min:s" in text]
    assert times.endswith(" 10:00")


def test_no_colour_means_the_same_characters():
    console = Console(file=io.StringIO(), width=80, no_color=True, force_terminal=True)
    show_evidence(console, EVIDENCE)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "╌" in text
    assert "\x1b[31m" not in text


@pytest.mark.parametrize("nothing", [None, EVIDENCE | {"points": []}])
def test_without_a_canary_nothing_is_printed(nothing):
    assert shown(nothing) == []


def test_words_of_others_are_no_markup():
    moment = REACHED | {"text": "[red]token[/red]"}
    assert any("[red]token[/red]" in line for line in shown(EVIDENCE | {"reached": moment}))


def test_a_jump_is_drawn_as_one_upright():
    reaches = [Reach(0, 5, 0, 0, 0), Reach(5, 10, 9, 9, 9)]
    assert draw(reaches, Scale(0, 10, 5), Scale(0, 9, 3), ASCII) == ["  ***", "  *  ", "***  "]


def test_a_joined_point_shows_its_peak():
    rows = draw([Reach(0, 10, 0, 9, 1)], Scale(0, 10, 4), Scale(0, 9, 3), UNICODE)
    assert rows[0][0] != " "
    assert rows[0][1:] == "   "


def test_a_value_beside_the_scale_is_drawn_at_its_edge():
    assert Scale(0.0, 1.0, 10).dot(7.0) == 9
    assert Scale(0.0, 0.0, 10).dot(0.0) == 0


def test_one_request_is_a_bar_and_none_is_not():
    assert bars([0.0, 0.001, 5.0], 5.0, UNICODE) == " ▁█"
    assert bars([0.0, 0.0], 0.0, ASCII) == "  "
