"""What is said about `[services]`, where, and what to write instead."""

import re
from pathlib import Path

import pytest

from ostiary.changes.checks import check_configuration, check_file, load_for_start
from ostiary.changes.configuration import parse_configuration
from ostiary.changes.rules.surroundings import Surroundings
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.edge.route_classes import HIDDEN_PREFIXES, IDENTITYS, ROUTE_CLASSES, SERVICES_MAX
from ostiary.identity.oauth import discovery
from ostiary.kernel.settings import Problem, SettingsError, parse_document

ORDERS = """\
[services.orders]
command = ["sh", "serve.sh", "${OSTIARY_PORT}"]
release = "release"
routes = ["/orders"]
"""


@pytest.fixture(autouse=True)
def release(tmp_path: Path) -> Path:
    release = tmp_path / "release"
    release.mkdir()
    (release / "serve.sh").write_text("exit 3\n")
    return release


def found(tmp_path: Path, text: str) -> tuple[Problem, ...]:
    file = tmp_path / "ostiary.toml"
    file.write_text(text)
    return check_file(file)


def only(tmp_path: Path, text: str) -> Problem:
    (problem,) = found(tmp_path, text)
    assert problem.hint
    return problem


def test_a_service_that_can_run_is_not_objected_to(tmp_path):
    assert found(tmp_path, ORDERS) == ()


def test_requests_that_may_be_asked_again_and_weights_are_not_objected_to(tmp_path):
    more = 'ask_again = ["/orders", "/orders/search"]\nweights = [3, 1]\n'
    assert found(tmp_path, ORDERS + more) == ()


@pytest.mark.parametrize(
    "line",
    [
        "weights = [129, 1]",
        "weights = [-1, 1]",
        "weights = [1.5, 1]",
        'weights = ["3", 1]',
        "weights = 3",
        'ask_again = "/orders"',
        "ask_again = [1]",
        "ask_again = true",
        'ask_again = [""]',
    ],
)
def test_values_of_another_kind_are_told_at_their_line(tmp_path, line):
    problem = only(tmp_path, ORDERS + line + "\n")
    assert (problem.line, problem.key.partition("[")[0]) == (
        5,
        f"services.orders.{line.partition(' ')[0]}",
    )


def test_a_relative_release_begins_at_the_settings_file_and_is_not_in_the_snapshot(tmp_path):
    (tmp_path / "ostiary.toml").write_text(ORDERS)

    settings = load_for_start(tmp_path / "ostiary.toml", is_first=True).snapshot_settings

    assert settings.services["orders"].release == str(tmp_path / "release")
    kept = settings.to_snapshot()
    assert "release" not in kept["services"]["orders"]
    again = SnapshotSettings.from_snapshot(kept).services["orders"]
    assert again.command == ("sh", "serve.sh", "${OSTIARY_PORT}")


@pytest.mark.parametrize(
    ("text", "key", "line", "words"),
    [
        ('command = "sh"\nroutes = ["/o"]\n', "command", 2, "must be a list"),
        ('command = ["sh", 3]\nroutes = ["/o"]\n', "command[1]", 2, "must be text"),
        ('command = ["sh"]\nroutes = []\n', "routes", 3, "at least 1 item"),
        ('command = ["sh"]\nroutes = ["/o"]\nreplicas = 0\n', "replicas", 4, "equal to 1"),
        ('command = ["sh"]\nroutes = ["/o"]\nreplicas = 65\n', "replicas", 4, "equal to 64"),
        ('command = ["sh"]\nroutes = ["/o"]\ncapacity = 0\n', "capacity", 4, "equal to 1"),
        ('command = ["sh"]\nroutes = ["/o"]\ncapacity = "ten"\n', "capacity", 4, "whole number"),
        ('command = ["sh"]\nroutes = ["/o"]\nstrip_prefix = 1\n', "strip_prefix", 4, "true or"),
        ('command = ["sh"]\nroutes = ["/o"]\nport = 80\n', "port", 4, "unknown setting"),
        ('command = ["sh"]\nroutes = ["/o"]\nrelicas = 2\n', "relicas", 4, "did you mean"),
        ('command = ["sh"]\n', "routes", 1, "is missing"),
    ],
)
def test_what_a_key_cannot_hold_is_told_at_its_line(tmp_path, text, key, line, words):
    problem = only(tmp_path, f"[services.orders]\n{text}")

    assert (problem.key, problem.line) == (f"services.orders.{key}", line)
    assert words in problem.message


@pytest.mark.parametrize(
    ("change", "code", "key", "line", "words"),
    [
        (("orders]", "Orders]"), "service_name", "services.Orders", 1, "no name for a service"),
        (("orders]", "my-api]"), "service_name", "services.my-api", 1, "no name for a service"),
        (("orders]", "identity]"), "service_name_taken", "services.identity", 1, "is taken"),
        (('"/orders"', '"orders"'), "route_not_a_path", "routes[0]", 4, "no path"),
        (('"/orders"', '"/"'), "route_not_a_path", "routes[0]", 4, "no path"),
        (('"/orders"', '"/orders/"'), "route_not_a_path", "routes[0]", 4, "no path"),
        (('"/orders"', '"/a/../b"'), "route_not_a_path", "routes[0]", 4, "no path"),
        (('"/orders"', '"/a%20b"'), "route_not_a_path", "routes[0]", 4, "no path"),
        (('"/orders"', '"/or*"'), "route_not_a_path", "routes[0]", 4, "no path"),
        (('"/orders"', '"/sign-in"'), "route_is_identitys", "routes[0]", 4, "login service"),
        (('"/orders"', '"/OAuth2/x"'), "route_is_identitys", "routes[0]", 4, "login service"),
        (('"/orders"', '"/admin/orders"'), "route_is_identitys", "routes[0]", 4, "login service"),
        (('"/orders"', '"/a", "/a/b"'), "routes_overlap", "routes[1]", 4, "overlaps with /a"),
        (('"/orders"', '"/a", "/a"'), "routes_overlap", "routes[1]", 4, "is the same as /a"),
        (("routes", 'health = "up"\nroutes'), "health_not_a_path", "health", 4, "no path"),
        (("routes", 'health = "/a?b"\nroutes'), "health_not_a_path", "health", 4, "no path"),
        (
            ("routes", 'ask_again = ["/orders/a", "/b"]\nroutes'),
            "asked_again_elsewhere",
            "ask_again[1]",
            4,
            "no path below a route of the service orders",
        ),
        (
            ("routes", 'ask_again = ["/orders2"]\nroutes'),
            "asked_again_elsewhere",
            "ask_again[0]",
            4,
            "/orders2",
        ),
        (
            ("routes", 'ask_again = ["/orders/*"]\nroutes'),
            "asked_again_elsewhere",
            "ask_again[0]",
            4,
            "/orders/*",
        ),
        (
            ("routes", "weights = [1]\nroutes"),
            "weights_not_one_each",
            "weights",
            4,
            "`services.orders.weights` has 1 weight, but `services.orders.replicas` is 2.",
        ),
        (
            ("routes", "weights = [1, 0]\nroutes"),
            "weight_is_zero",
            "weights",
            4,
            "`services.orders.weights` holds a 0",
        ),
        (('"sh", ', '"sh", "${OSTIARY_PROT}", '), "placeholder_unknown", "command[1]", 2, "PROT"),
        (('"${OSTIARY_PORT}"', '"--port", "8080"'), "port_is_written", "command", 2, "8080"),
        (('"${OSTIARY_PORT}"', '"--bind=0.0.0.0:80"'), "port_is_written", "command", 2, ":80"),
        (('["sh", "serve.sh", "${OSTIARY_PORT}"]', '["sh serve.sh"]'), None, None, 2, "blanks"),
        (("routes", "environment = {'a b' = 'x'}\nroutes"), "variable_name", "environment", 4, "b"),
        (
            ("routes", "environment = {OSTIARY_PORT = '1'}\nroutes"),
            "variable_name",
            "environment",
            4,
            "sets those",
        ),
        (
            ("routes", "environment = {A = '1'}\npass_environment = ['A']\nroutes"),
            "variable_name",
            "pass_environment",
            5,
            "already",
        ),
        (('"release"', '"none"'), "release_not_found", "release", 3, "no directory"),
        (('release = "release"\n', ""), "release_missing", "release", 1, "is missing"),
        (('["sh"', '["no-such-program"'), "command_not_found", "command[0]", 2, "PATH"),
        (('["sh"', '["./run"'), "command_not_found", "command[0]", 2, "in the release"),
        (('["sh"', '["/usr/bin/no-such"'), "command_not_found", "command[0]", 2, "in the release"),
    ],
)
def test_what_a_service_cannot_mean_is_told_at_its_line(tmp_path, change, code, key, line, words):
    problems = found(tmp_path, ORDERS.replace(*change))

    problem = problems[0]
    assert problem.hint
    assert problem.line == line
    assert words in problem.message
    if code is not None:
        assert [each.code for each in problems] == [code]
        assert (problem.key or "").removeprefix("services.orders.") == key


def test_a_shell_line_is_told_with_its_words_apart(tmp_path):
    command = '["sh", "serve.sh", "${OSTIARY_PORT}"]'
    problems = found(tmp_path, ORDERS.replace(command, '["sh serve.sh"]'))

    assert [each.code for each in problems] == ["command_is_one_text", "command_not_found"]
    assert problems[0].hint == 'Write each word by itself: `command = ["sh", "serve.sh"]`.'


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DB_PASSWORD", "hunter22"),
        ("API_SECRET", "hunter22"),
        ("STORE", "postgresql://orders:hunter22@db/orders"),
    ],
)
def test_a_secret_is_not_repeated_and_said_where_it_belongs(tmp_path, variable, value):
    line = f'environment = {{ {variable} = "{value}" }}\n'
    problem = only(tmp_path, ORDERS + line)

    assert problem.code == "secret_in_file"
    assert problem.line == 5
    assert "hunter22" not in str(problem)
    assert f'pass_environment = ["{variable}"]' in problem.hint


def test_a_secret_of_the_wrong_type_is_not_repeated_either(tmp_path):
    problem = only(tmp_path, ORDERS + "environment = { DB_PASSWORD = 22221111 }\n")

    assert problem.message == "`services.orders.environment.DB_PASSWORD` must be text."
    assert "pass_environment" in problem.hint


def test_the_path_of_a_file_with_a_secret_is_no_secret(tmp_path):
    line = 'environment = { DB_PASSWORD = "/etc/orders/password", LOG_LEVEL = "info" }\n'
    assert found(tmp_path, ORDERS + line) == ()


def test_routes_of_two_services_do_not_overlap(tmp_path):
    other = ORDERS.replace("orders]", "stock]").replace('"/orders"', '"/stock", "/orders/stock"')
    problem = only(tmp_path, ORDERS + other)

    assert (problem.code, problem.line) == ("routes_overlap", 8)
    assert problem.message == (
        "The route /orders/stock of the service stock overlaps with /orders of the service orders."
    )


def test_there_can_be_sixteen_services_and_no_more(tmp_path):
    def services(count: int) -> str:
        return "".join(ORDERS.replace("orders", f"orders{number}") for number in range(count))

    assert found(tmp_path, services(SERVICES_MAX)) == ()
    assert only(tmp_path, services(SERVICES_MAX + 1)).code == "services_too_many"


def test_a_release_that_is_gone_keeps_no_guard_from_coming_back(tmp_path, release):
    file = tmp_path / "ostiary.toml"
    file.write_text(ORDERS)
    (release / "serve.sh").unlink()
    release.rmdir()

    assert load_for_start(file, is_first=False).snapshot_settings.services
    with pytest.raises(SettingsError):
        load_for_start(file, is_first=True)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (ORDERS.replace('"/orders"', '"/new"'), 4),
        (ORDERS + "strip_prefix = true\n", 5),
        (ORDERS + ORDERS.replace("orders", "stock"), 5),
        ("[identity]\nthreads = 5\n", None),
    ],
)
def test_beside_a_running_system_no_service_comes_goes_or_moves(tmp_path, text, line):
    (problem,) = beside_orders(tmp_path, text)

    assert (problem.code, problem.line) == ("services_fixed", line)
    assert "ostiary down" in problem.hint
    assert "a running system cannot change" in problem.message


def beside_orders(directory, text):
    """Return what is wrong with a file beside a running system with the orders API."""

    def configuration(text: str):
        return parse_configuration(parse_document(text, file=str(directory / "ostiary.toml")))

    last_good = Surroundings(last_good=configuration(ORDERS).snapshot_settings)
    return check_configuration(configuration(text), last_good)


def test_beside_a_running_system_services_change_alone(tmp_path):
    identity, replicas = "[identity]\nthreads = 5\n", "replicas = 3\n"
    assert beside_orders(tmp_path, ORDERS + identity) == ()
    assert beside_orders(tmp_path, ORDERS + replicas) == ()

    (problem,) = beside_orders(tmp_path, ORDERS + replicas + identity)

    assert (problem.code, problem.line) == ("services_apart", 1)
    assert "`services.orders` together with `[identity]`" in problem.message
    assert "one after the other" in problem.hint


JOURNEY = """
[services.orders.journeys.list]
vouches_for = "/orders"
[[services.orders.journeys.list.steps]]
name = "own orders"
path = "/orders/7?of=me"
headers = { authorization = "Bearer {probe.access_token}" }
expect.status = 200
"""


def test_a_service_has_journeys_of_its_own(tmp_path):
    document = parse_document(ORDERS + JOURNEY, file=str(tmp_path / "ostiary.toml"))
    configuration = parse_configuration(document)
    assert check_configuration(configuration) == ()
    (journey,) = configuration.snapshot_settings.services["orders"].journeys.values()
    assert journey.steps[0].path == "/orders/7?of=me"


@pytest.mark.parametrize(
    ("written", "instead", "code", "line"),
    [
        ("/orders/7?of=me", "/oauth2/token", "path_of_another", 10),
        ("/orders/7?of=me", "/orders2", "path_of_another", 10),
        ("/orders/7?of=me", "https://x.example/orders", "path_is_url", 10),
        ("/orders/7?of=me", "/orders/{order}", "captured_never", 10),
        ('vouches_for = "/orders"', 'vouches_for = "token"', "route_class_unknown", 7),
        ("Bearer {probe.access_token}", "Bearer abcdef", "secret_in_file", 11),
        ("{probe.access_token}", "{probe.token}", "insert_unknown", 11),
        ('name = "own orders"', 'name = " "', "step_name", 9),
        ("journeys.list", 'journeys."A B"', "journey_name", 6),
    ],
)
def test_journeys_of_a_service_are_judged_as_the_guards_are(tmp_path, written, instead, code, line):
    text = ORDERS + JOURNEY.replace(written, instead)
    configuration = parse_configuration(parse_document(text, file=str(tmp_path / "ostiary.toml")))

    (problem,) = check_configuration(configuration)

    assert (problem.code, problem.line) == (code, line)
    assert problem.key.startswith("services.orders.journeys")
    assert "abcdef" not in str(problem)


def test_no_service_can_have_a_path_of_identity():
    paths = [each.path or each.prefix for each in ROUTE_CLASSES]
    paths += [*HIDDEN_PREFIXES, discovery.OPENID_PATH, discovery.USERINFO_PATH]
    firsts = {path.split("/")[1] for path in paths}
    assert firsts - {""} <= set(IDENTITYS)


def test_every_route_that_identity_mounts_is_known_to_be_its_own():
    sources = (Path(discovery.__file__).parents[1]).rglob("*.py")
    routes = [
        route
        for source in sources
        for route in re.findall(r'(?:add_route\(|_PATH = )"/([^/"{]+)', source.read_text())
    ]
    assert {"sign-in", "demo", "admin", "oauth2", ".well-known"} <= set(routes)
    assert set(routes) <= set(IDENTITYS)
