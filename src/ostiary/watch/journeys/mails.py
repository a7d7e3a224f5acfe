"""That a newcomer is written what last good writes to one; nothing of it is ever sent.

A mail is held for a while before it is sent, and deleted with its account. Where a version has no
mail server in its settings, or is older than the question, nothing is compared.
"""

from dataclasses import replace

from ostiary.watch.journeys.actor import Actor, Site
from ostiary.watch.journeys.admin_calls import AdminCalls, user_path
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.errors import FailureKind

_OK = 200
_STEP = "mails"


async def mails_written(admin: AdminCalls, email: str) -> Answer:
    """Return what a version tells of the mails to an address."""
    return await admin.ask(_STEP, "GET", user_path(email, "mails"))


async def has_mail_server(admin: ProbeAdmin, site: Site, email: str) -> bool:
    """Return whether a site says that it writes mail."""
    answer = await mails_written(admin.calls(site), email)
    return answer.status == _OK and answer.json().get("mail_server") is True


async def require_alike(admin: ProbeAdmin, last_good: Site, actor: Actor, other: str) -> None:
    """Require that the actor was written what the `other` newcomer was, whom last good signed up.

    Last good tells of both: what was not written cannot be made up.
    """
    told = [
        await mails_written(admin.calls(last_good), email) for email in (actor.account.email, other)
    ]
    mine, theirs = (_kinds(answer) for answer in told)
    missing = sorted(theirs - mine)
    if missing:
        failed = replace(told[0], target=actor.site.target.name)
        failed.fail(
            f"the mails that last good writes to a newcomer ({', '.join(sorted(theirs))})",
            got=f"nothing of {', '.join(missing)}",
            kind=FailureKind.WRONG_CONTENT,
        )


def _kinds(answer: Answer) -> set[str]:
    answer.require(answer.status == _OK, "the mails of an account with HTTP 200")
    mails = answer.json().get("mails")
    if not isinstance(mails, list):
        answer.fail("a list of mails", kind=FailureKind.WRONG_CONTENT)
    return {str(each.get("kind")) for each in mails}
