"""Going through the provider's own pages, as a person with a password would.

A page with the sign-in form is filled in by the names of its fields; one that asks for the account
alone comes before some of these. Anything else is confirmed where there is a single button. Hidden
fields go back as they came. Scripts are not run: no page may need them.
"""

from dataclasses import dataclass, field
from typing import Final

from ostiary.watch.oidc_journeys.settings import OidcSettings
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.browser import Browser
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.forms import Form, read_forms

_PAGES_MAX: Final = 8
_CHARACTERS_MAX: Final = 256 * 1024
"""A page is written for people; reading more would keep the guard waiting."""

_FIRST_ERROR: Final = 400
_NAMES_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Stopped:
    """The page beyond which there is no way, and what was looked for on it."""

    answer: Answer
    expected: str
    got: str = ""
    kind: FailureKind | None = None


@dataclass(slots=True)
class Typist:
    """Who fills in the forms: each of account and password once."""

    settings: OidcSettings
    password: str = field(repr=False)
    _typed: set[str] = field(default_factory=set)

    def choose(self, page: Answer) -> tuple[Form, list[tuple[str, str]]] | Stopped:
        """Return the form to send and what to type, or why there is none."""
        forms = read_forms(page.text[:_CHARACTERS_MAX])
        settings = self.settings
        for name in (settings.password_field, settings.username_field):
            form = next((each for each in forms if each.has(name)), None)
            if form is None:
                continue
            if name in self._typed:
                got = f"{page.describe()}, the sign-in form again"
                return Stopped(page, "a way on after signing in", got, _refused(page))
            return self._filled(form)
        single = [each for each in forms if len(each.buttons) == 1 and each.method == "POST"]
        if len(single) == 1 and not _asks_for_password(forms):
            return single[0], _pressed(single[0])
        return self._stopped(page, forms)

    def _filled(self, form: Form) -> tuple[Form, list[tuple[str, str]]]:
        settings = self.settings
        known = {
            settings.username_field: settings.username or "",
            settings.password_field: self.password,
        }
        typed = [(name, value) for name, value in known.items() if form.has(name)]
        self._typed |= {name for name, _ in typed}
        return form, typed + _pressed(form)

    def _stopped(self, page: Answer, forms: list[Form]) -> Stopped:
        settings = self.settings
        expected = (
            f"a form with the fields {settings.username_field} and {settings.password_field}, "
            "or one form with a single button"
        )
        names = [name for form in forms for name, kind in form.input_types if kind != "hidden"]
        shown = ", ".join(ascii(name[:40]) for name in names[:_NAMES_MAX]) or "no field"
        buttons = sum(len(form.buttons) for form in forms)
        got = f"{page.describe()}, {len(forms)} forms with {shown} and {buttons} buttons"
        return Stopped(page, expected, got, _refused(page))


async def go_through(browser: Browser, answer: Answer, typist: Typist) -> Answer | Stopped:
    """Return the redirect that leaves the issuer, or the page at which the way ends.

    Raises `StepFailedError` where no answer comes, or a form would be sent elsewhere.
    """
    for _ in range(_PAGES_MAX):
        answer = await browser.follow(answer)
        if answer.is_redirect:
            return answer
        if answer.status >= _FIRST_ERROR and not read_forms(answer.text[:_CHARACTERS_MAX]):
            return Stopped(answer, "a page of the provider, or the way back")
        chosen = typist.choose(answer)
        if isinstance(chosen, Stopped):
            return chosen
        form, typed = chosen
        answer = await browser.submit("sign_in", answer, form, typed)
    return Stopped(answer, "an end of the pages", kind=FailureKind.WRONG_CONTENT)


def _pressed(form: Form) -> list[tuple[str, str]]:
    """Return what the first button adds to the form: the one that Enter presses."""
    return [form.buttons[0]] if form.buttons and form.buttons[0][0] else []


def _asks_for_password(forms: list[Form]) -> bool:
    return any(kind == "password" for form in forms for _, kind in form.input_types)


def _refused(page: Answer) -> FailureKind | None:
    """Return that the page refuses, unless its status says more."""
    return None if page.status >= _FIRST_ERROR else FailureKind.REFUSED
