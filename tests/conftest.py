"""What every test may use; each fixture lives in a module named by its subject."""

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
