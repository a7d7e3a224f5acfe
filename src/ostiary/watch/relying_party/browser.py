"""A browser as the login service sees one: cookies, forms, redirects within the issuer."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.cookies import CookieJar
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.forms import Form
from ostiary.watch.relying_party.wire import Wire

_REDIRECTS_MAX = 8


class Browser:
    """One device at one target. Another target may be given the same jar: the user moved on."""

    def __init__(self, wire: Wire, jar: CookieJar | None = None) -> None:
        """Use `jar`, or start without cookies."""
        self.wire = wire
        self.jar = CookieJar() if jar is None else jar

    async def get(self, step: str, location: str) -> Answer:
        """Open a location of the issuer; redirects are left to `follow`."""
        return await self._send(step, "GET", location)

    async def submit(
        self,
        step: str,
        page: Answer,
        form: Form,
        fields: Iterable[tuple[str, str]],
        *,
        origin: str | None = None,
    ) -> Answer:
        """Send a form that stands on `page`, with `fields` typed in.

        `origin` is another site that would send it, by the header that browsers set (RFC 6454).
        """
        location = self.wire.target.public(form.action or page.asked, current=page.url)
        page.require(
            self.wire.target.owns(location) and form.method == "POST",
            "a form that is posted to the issuer",
            got=f"a {form.method} form to another address",
            kind=FailureKind.WRONG_CONTENT,
        )
        return await self._send(step, "POST", location, form=form.filled(fields), origin=origin)

    async def follow(self, answer: Answer) -> Answer:
        """Follow redirects as long as they stay with the issuer.

        Returns the first answer that is no redirect, or the one that leads to somebody else.
        """
        hops = 0
        while answer.is_redirect:
            current = urlsplit(answer.url).path
            if not self.wire.target.owns(answer.location, current=current):
                break
            hops += 1
            answer.require(
                hops <= _REDIRECTS_MAX, "an end of the redirects", kind=FailureKind.WRONG_CONTENT
            )
            location = self.wire.target.public(answer.location, current=current)
            answer = await self._send(answer.step, "GET", location)
        return answer

    async def _send(
        self,
        step: str,
        method: str,
        location: str,
        *,
        form: list[tuple[str, str]] | None = None,
        origin: str | None = None,
    ) -> Answer:
        path = urlsplit(self.wire.target.public(location)).path
        headers = {"accept": "text/html"}
        if cookies := self.jar.header(path):
            headers["cookie"] = cookies
        if method == "POST":
            headers["origin"] = origin or self.wire.target.origin
        answer = await self.wire.send(step, method, location, headers=headers, form=form)
        self.jar.store(answer.headers.get_list("set-cookie"))
        return answer
