"""Which answers need no second opinion, as the one regular expression that Envoy gets.

The rule is positive: what it does not name, a missing header included, is asked again. So a
release that forgets the header, or says a word of its own, is never believed alone.
"""

import re

from ostiary.edge.model import EdgeModel
from ostiary.kernel.outcomes import plainly_good


def settled_answers(model: EdgeModel, route_class: str = "") -> str:
    """Return an RE2 expression for all values of `x-auth-outcome` that stand as they are.

    These are every outcome of the last good version, which is never overruled, and of the canary
    its plainly good outcomes, and the refusals that its change intends on this class of routes.
    Envoy matches it against the whole value.
    """
    last_good = f"{re.escape(model.last_good)}/[a-z_]+"
    if model.canary is None or model.canary.same_replicas:
        return last_good
    words = [outcome.value for outcome in plainly_good()]
    words += [each.outcome for each in model.canary.intended if each.route == route_class]
    good = "|".join(re.escape(word) for word in words)
    return f"{last_good}|{re.escape(model.canary.snapshot)}/({good})"
