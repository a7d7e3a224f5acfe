"""What happens between two guards, and how the next one starts on what it finds."""

from dataclasses import dataclass

from ostiary.guard import history
from tests.simulation.campaigns.diary import Diary
from tests.simulation.campaigns.guard import CYCLE_SECONDS, Fate, Guard, GuardDiedError
from tests.simulation.campaigns.outside import SEATS, Outside
from tests.simulation.campaigns.plane import Plane
from tests.simulation.campaigns.promises import BrokenPromiseError, Promises


@dataclass
class Succession:
    """Starts guards, as `ostiary.guard.service` does."""

    outside: Outside
    diary: Diary
    fate: Fate
    promises: Promises

    def after(self, dead: Guard) -> Guard:
        """Start guards until one lives, on whatever the last one left."""
        while True:
            self._pass_without_guard(dead)
            self.promises.guard_died(self.diary)
            reboot = self.fate.rng.random() < self.fate.plan.reboot
            if reboot:
                self.outside.alive.clear()
                self.outside.dead_since.clear()
            skew = -self.outside.now if reboot else dead.skew
            try:
                return self._start(skew)
            except GuardDiedError:
                continue

    def new_guard(self, skew: float) -> Guard:
        """Return a guard that knows nothing but the journal."""
        found = self.diary.read()
        last_good, serving = found.last_good or "", found.serving or ""
        plane = Plane(self.outside, last_good, serving, stable=serving)
        return Guard(self.outside, self.diary, self.fate, skew, plane)

    def _pass_without_guard(self, dead: Guard) -> None:
        """Let users come while there is no guard; what it had begun to write may still be taken."""
        for index in (0, 1):
            if self.fate.rng.random() < 0.3:
                self.outside.envoys[index] = dead.plane.table()
        for _ in range(int(self.fate.rng.uniform(1.0, 30.0))):
            self.outside.serve(CYCLE_SECONDS)
            for table in self.outside.envoys:
                if not self.outside.alive.get(table.serving):
                    raise BrokenPromiseError(f"nobody is left of {table.serving} without a guard")

    def _start(self, skew: float) -> Guard:
        """Let what was good serve before anything else is done."""
        found, outside = self.diary.read(), self.outside
        promoted = found.promoted_unmarked
        if promoted is not None:
            serving = outside.codes[promoted.snapshot]
            data = {"snapshot": promoted.snapshot, "because": promoted.id, "serving": serving}
            self.diary.append(history.MARKED_GOOD, promoted.snapshot, data)
        guard = self.new_guard(skew)
        serving = guard.plane.serving
        if not outside.alive.get(serving):
            if serving not in outside.releases:
                raise BrokenPromiseError(f"{serving} cannot be started any more")
            outside.alive[serving] = SEATS
        outside.envoys = [guard.plane.table(), guard.plane.table()]
        self.fate.moment()
        self._put_away(guard, found, set(outside.alive) - {serving})
        return guard

    def _put_away(self, guard: Guard, found: history.History, strays: set[str]) -> None:
        """Hand what an unfinished change left behind to the controller; stop everything else."""
        unfinished = found.unfinished[-1] if found.unfinished else None
        ours: set[str] = set()
        if unfinished is not None:
            codes = self.outside.codes
            ours = strays & {codes[unfinished.snapshot], codes[unfinished.from_snapshot]}
            group = next(iter(ours), None)
            if unfinished.is_promoted:
                guard.plane.replaced = group
            else:
                guard.plane.canary = group
            guard.take_over(found)
        for code in strays - ours:
            self.outside.stop(code)
