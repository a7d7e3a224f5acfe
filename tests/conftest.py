"""What every test may use; each fixture lives in a module named by its subject."""

from hypothesis import HealthCheck, settings

# An example that takes long says more about the machine than about the code, and not in CI only,
# where Hypothesis has a profile of its own that says so too.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])

pytest_plugins = [
    "tests.availability",
    "tests.workers",
    "tests.postgres",
    "tests.system",
    "tests.browser.chromium",
    "tests.node.packages",
    "tests.node.redis",
    "tests.node.cluster",
]
