"""Seeds that once broke a promise, by what was wrong. Each is run with every test run.

A seed stands for the plan that it leads to. Whoever changes how plans are drawn looks for other
seeds that fail without the fix; next to each fix there is a unit test that does not depend on them.
"""

REGRESSIONS = {
    "a withdrawal whose answer was lost was never ordered again": 61,
    "a promotion whose answer was lost waited for ever": 229,
    "what could not be taken back served without a good mark": 37,
    "requests counted after the withdrawal were lost with the guard, and told as none": 155,
    "users behind an edge that had not yet confirmed the share were told as none": 46,
}
