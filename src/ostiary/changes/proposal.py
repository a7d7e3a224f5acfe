"""What an operator proposes, parsed once: nothing later has to doubt it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ostiary.changes.kinds import FLAGS_ALONE, Kind
from ostiary.changes.model import Stage
from ostiary.edge.intended_refusals import IntendedRefusal
from ostiary.kernel.errors import UsageError

START_STAGES = (Stage.CHECK, Stage.REHEARSE, Stage.CANARY, Stage.BAKE)
"""The stages at which a change may begin."""

_WORDS = {
    "releases",
    "config",
    "from_stage",
    "force",
    "reason",
    "security",
    "tightens",
    "fixes",
    "again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One proposal. Paths are absolute; they say where something is now, not what is meant.

    `releases` are directories or wheels by service, `config` a settings file that stands for all
    settings. `forced` skips approval and evidence, `security` is for a fix that must reach
    everybody, `tightens` are refusals that are meant, `fixes` names an earlier change whose failure
    this one claims to have mended, and `again` tries a snapshot that was refused before.
    """

    releases: Mapping[str, Path] = field(default_factory=dict)
    config: Path | None = None
    from_stage: Stage = Stage.CHECK
    forced: bool = False
    reason: str = ""
    security: bool = False
    tightens: tuple[IntendedRefusal, ...] = ()
    fixes: str | None = None
    again: bool = False

    @property
    def is_checked(self) -> bool:
        """Return whether the semantic rules apply: who starts later, or forces, skips them."""
        return self.from_stage is Stage.CHECK and not self.forced


def read_proposal(body: Mapping[str, Any], services: frozenset[str]) -> Proposal:
    """Return the proposal in a request; raises `UsageError` for what cannot be meant.

    `services` are the services that a release can be proposed for.
    """
    unknown = sorted(set(body) - _WORDS)
    if unknown:
        raise UsageError(
            "request_malformed",
            f"A proposal has no field {unknown[0]}.",
            hint="Command line and guard are of different versions; use those of one.",
        )
    proposal = Proposal(
        releases=_releases(body, services),
        config=Path(str(body["config"])) if body.get("config") else None,
        from_stage=start_stage(body.get("from_stage")),
        forced=bool(body.get("force")),
        reason=str(body.get("reason") or "").strip(),
        security=bool(body.get("security")),
        tightens=tuple(IntendedRefusal.parse(str(each)) for each in body.get("tightens") or ()),
        fixes=str(body["fixes"]) if body.get("fixes") else None,
        again=bool(body.get("again")),
    )
    _require_sense(proposal)
    return proposal


def beginning(from_stage: Stage | None, kinds: tuple[Kind, ...], *, is_forced: bool) -> Stage:
    """Return the stage at which a change begins that touches `kinds`; None is where none was named.

    A forced flip begins at bake: nothing but availability could end it before, and the old replicas
    stay warm and give second opinions there as well.
    """
    if from_stage is None and is_forced and kinds == FLAGS_ALONE:
        return Stage.BAKE
    return from_stage or Stage.CHECK


def start_stage(word: object) -> Stage:
    """Return the stage that a change is to begin at; raises `UsageError` for any other word."""
    if not word:
        return Stage.CHECK
    for stage in START_STAGES:
        if stage.value == word:
            return stage
    raise UsageError(
        "stage_unknown",
        f"No change can start at stage {word}.",
        hint=f"Write one of {', '.join(START_STAGES[1:])}.",
    )


def _releases(body: Mapping[str, Any], services: frozenset[str]) -> dict[str, Path]:
    releases = {
        str(name): Path(str(path)) for name, path in dict(body.get("releases") or {}).items()
    }
    for service in releases:
        if service not in services:
            raise UsageError(
                "service_unknown",
                f"There is no service {service}.",
                hint=f"Write {' or '.join(f'--release {each}=PATH' for each in sorted(services))}.",
            )
    return releases


def _require_sense(proposal: Proposal) -> None:
    if not proposal.releases and proposal.config is None:
        raise UsageError(
            "nothing_proposed",
            "Nothing is proposed.",
            hint="Name a release with --release PATH, or settings with --config FILE.",
        )
    if proposal.forced and not proposal.reason:
        raise UsageError("reason_missing", "--force needs --reason TEXT.")
    if proposal.security and not proposal.reason:
        raise UsageError(
            "reason_missing", "--security needs --reason TEXT: what is wrong with last good."
        )
    rehearsed = proposal.from_stage in (Stage.CHECK, Stage.REHEARSE)
    for word, wanted in (("--security", proposal.security), ("--fixes", proposal.fixes)):
        if wanted and not rehearsed:
            raise UsageError(
                "rehearsal_needed",
                f"{word} cannot be combined with --from {proposal.from_stage}: it needs the "
                "rehearsal.",
                hint="Leave --from out.",
            )
