"""Well-typed settings that would do harm are refused, each at its line with what to write."""

import pytest

from ostiary.changes.checks import (
    RULES,
    check_configuration,
    check_file,
    load_checked,
    load_for_start,
    require_checked,
)
from ostiary.changes.configuration import Configuration, load_configuration
from ostiary.kernel.errors import UsageError
from ostiary.kernel.settings import SettingsError


def test_the_defaults_pass_every_rule():
    assert check_file(None) == ()
    assert check_configuration(Configuration()) == ()
    assert load_checked(None) == load_configuration(None)


@pytest.mark.parametrize(
    ("text", "code", "key"),
    [
        (
            "[identity]\nsession_seconds = 60\naccess_token_seconds = 61\nid_token_seconds = 60\n",
            "token_outlives_session",
            "identity.access_token_seconds",
        ),
        (
            "[identity]\nsession_seconds = 60\naccess_token_seconds = 60\nid_token_seconds = 61\n",
            "token_outlives_session",
            "identity.id_token_seconds",
        ),
        (
            "[identity]\nrefresh_token_seconds = 300\n",
            "refresh_token_too_short",
            "identity.refresh_token_seconds",
        ),
        ("[identity]\nleeway_seconds = 31\n", "leeway_too_long", "identity.leeway_seconds"),
        ("[identity]\nhash_memory_kib = 19455\n", "hash_too_weak", "identity.hash_memory_kib"),
        ("[identity]\nhash_time_cost = 1\n", "hash_too_weak", "identity.hash_memory_kib"),
        (
            "[identity]\nhash_memory_kib = 131072\nhash_time_cost = 9\n",
            "hash_too_slow",
            "identity.hash_time_cost",
        ),
        (
            "[identity]\nhash_memory_kib = 131072\nthreads = 17\n",
            "hash_memory_too_large",
            "identity.hash_memory_kib",
        ),
        ("[identity]\naudience = 'a b'\n", "audience_with_blanks", "identity.audience"),
        ("[edge]\nweights = [1, 1, 1]\n", "weights_not_one_each", "edge.weights"),
        ("[edge]\nweights = [1, 0]\n", "weight_is_zero", "edge.weights"),
        (
            "[edge]\nbalancer = 'random'\nweights = [2, 1]\ncapacity = 90.0\npeak = 10.0\n",
            "weights_passed_over",
            "edge.weights",
        ),
        ("[edge]\ncapacity = [40.0]\n", "capacities_not_one_each", "edge.capacity"),
        *(
            (f"[edge]\nlisten = '{listen}'\n", "listen_not_an_address", "edge.listen")
            for listen in (
                "localhost:8000",
                "127.0.0.1",
                "127.0.0.1:",
                ":8000",
                "8000",
                "127.0.0.1:0",
                "127.0.0.1:65536",
                "127.0.0.1:http",
                "127.0.0.1:+80",
                "::1:8000",
                "[127.0.0.1]:8000",
                "[fe80::1%eth0]:8000",
                "http://127.0.0.1:8000",
            )
        ),
        ("[edge]\nlisten = '0.0.0.0:80'\n", "certificate_missing", "edge.listen"),
        ("[edge]\nlisten = '[::]:80'\n", "certificate_missing", "edge.listen"),
        (
            "[edge]\nlisten = '192.0.2.1:80'\npublic_url = 'https://a.example.com'\n",
            "certificate_missing",
            "edge.listen",
        ),
        ("[edge]\ncertificate = 'c.pem'\n", "key_missing", "edge.certificate"),
        ("[edge]\nkey = 'k.pem'\n", "certificate_missing", "edge.key"),
        (
            "[edge]\ncertificate = 'c.pem'\nkey = 'k.pem'\n",
            "public_url_not_https",
            "edge.certificate",
        ),
        (
            "[edge]\ncertificate = 'c'\nkey = 'k'\npublic_url = 'http://localhost:8000'\n",
            "public_url_not_https",
            "edge.certificate",
        ),
        ("[edge]\ntrust_proxy = true\n", "trust_proxy_without_proxy", "edge.trust_proxy"),
        (
            "[edge]\ntrust_proxy = true\ncertificate = 'c'\nkey = 'k'\npublic_url = 'https://a.b'\n",
            "trust_proxy_without_proxy",
            "edge.trust_proxy",
        ),
        (
            "[edge]\nstatus_url = 'javascript:alert(1)'\n",
            "status_url_not_a_link",
            "edge.status_url",
        ),
        ("[edge]\nstatus_url = 'status.example.com'\n", "status_url_not_a_link", "edge.status_url"),
        ("[flags]\n'new page' = true\n", "flag_name", 'flags."new page"'),
        ("[guard]\nsteps = [1, 5]\n", "steps_not_rising_to_100", "guard.steps"),
        ("[guard]\nsteps = [5, 1, 100]\n", "steps_not_rising_to_100", "guard.steps"),
        ("[guard]\nsteps = [5, 5, 100]\n", "steps_not_rising_to_100", "guard.steps"),
        ("[guard]\nstep_seconds_min = 121\n", "held_before_last_step", "guard.held_after_seconds"),
    ],
)
def test_a_harmful_setting_is_refused(check, text, code, key):
    (problem,) = check(text)

    assert (problem.code, problem.key) == (code, key)
    assert problem.message
    assert problem.hint


@pytest.mark.parametrize(
    "url",
    [
        "login.example.com",
        "/login",
        "ftp://login.example.com",
        "https://",
        "https:///path",
        "https://login.example.com/",
        "https://login.example.com/auth",
        "https://login.example.com?a=1",
        "https://login.example.com?",
        "https://login.example.com#x",
        "https://login.example.com:port",
        "https://login.example.com:99999",
        "https://login .example.com",
        "http://login.example.com",
        "http://192.168.1.5:8000",
        "http://127.0.0.1.example.com",
    ],
)
def test_a_public_url_that_cannot_be_an_issuer_is_refused(check, url):
    (problem,) = check(f'[edge]\npublic_url = "{url}"\n')

    assert (problem.code, problem.key, problem.line) == (
        "public_url_not_an_issuer",
        "edge.public_url",
        2,
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://login.example.com",
        "https://login.example.com:8443",
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
        "http://localhost:8000",
    ],
)
def test_a_public_url_that_can_be_an_issuer_passes(check, url):
    assert check(f'[edge]\npublic_url = "{url}"\n') == ()


def test_a_password_in_the_public_url_is_refused_and_not_repeated(check):
    (problem,) = check('[edge]\npublic_url = "https://me:hunter22@login.example.com"\n')

    assert "password" in problem.message
    assert "hunter22" not in str(problem)


@pytest.mark.parametrize(
    "text",
    [
        'listen = "0.0.0.0:443"\ncertificate = "c.pem"\nkey = "k.pem"\n',
        'listen = "[::]:443"\ncertificate = "c.pem"\nkey = "k.pem"\n',
        'listen = "[::1]:8000"\n',
        'listen = "127.0.0.1:8000"\ntrust_proxy = true\n',
    ],
)
def test_listening_for_others_is_fine_with_a_certificate_or_behind_a_proxy(check, text):
    assert check(f'[edge]\npublic_url = "https://a.example.com"\n{text}') == ()


@pytest.mark.parametrize(
    ("memory_kib", "passes"), [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (8_192, 5)]
)
def test_each_hash_setting_that_owasp_accepts_passes(check, memory_kib, passes):
    text = f"[identity]\nhash_memory_kib = {memory_kib}\nhash_time_cost = {passes}\n"

    assert check(text) == ()


def test_a_problem_has_the_line_of_its_key_or_of_its_table(check):
    (written,) = check("[guard]\n\nsteps = [1]\n")
    (defaulted,) = check("\n[guard]\nstep_seconds_min = 121\n")

    assert written.line == 3
    assert defaulted.line == 2


def test_the_problems_of_several_rules_are_told_together(check):
    codes = [p.code for p in check("[guard]\nsteps = [1]\n[identity]\nhash_time_cost = 1\n")]

    assert codes == ["hash_too_weak", "steps_not_rising_to_100"]


def test_wrong_types_are_told_before_any_rule_is_asked(check):
    (problem,) = check('[guard]\nsteps = [1]\nalpha = "a"\n')

    assert (problem.code, problem.key) == ("wrong_type", "guard.alpha")


def test_loading_with_rules_refuses_what_loading_alone_accepts(tmp_path):
    file = tmp_path / "ostiary.toml"
    file.write_text("[guard]\nsteps = [1]\n")

    assert load_configuration(file).guard.steps == (1,)
    with pytest.raises(SettingsError):
        load_checked(file)


def test_a_missing_file_is_wrong_usage_and_not_a_problem_of_its_content(tmp_path):
    with pytest.raises(UsageError):
        check_file(tmp_path / "missing.toml")


def test_every_rule_says_in_its_docstring_what_it_objects_to():
    assert all((rule.__doc__ or "").startswith("Object to") for rule in RULES)


def test_a_guard_that_starts_again_is_not_stopped_by_what_a_proposal_would_be(tmp_path):
    """What serves has its own settings; the load check is for who wants to change them."""
    file = tmp_path / "ostiary.toml"
    file.write_text("[edge]\nweights = [9, 1]\n")

    with pytest.raises(SettingsError):
        load_for_start(file, is_first=True)
    assert load_for_start(file, is_first=False).snapshot_settings.edge.weights == (9, 1)

    file.write_text("[edge]\nweights = [9, 1, 1]\n")
    with pytest.raises(SettingsError):
        load_for_start(file, is_first=False)


def test_what_is_required_of_a_configuration_is_that_no_rule_objects(tmp_path):
    require_checked(Configuration())
    file = tmp_path / "ostiary.toml"
    file.write_text('[edge]\nbalancer = "maglev"\n')
    with pytest.raises(SettingsError) as caught:
        require_checked(load_configuration(file))
    assert [problem.code for problem in caught.value.problems] == [
        "capacity_unknown",
        "peak_unknown",
    ]
