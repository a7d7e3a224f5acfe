"""Settings of which each is in bounds and that do harm together, or where they are written."""

import pytest

from ostiary.changes.rules.hashing import HASH_WAIT_SECONDS_MAX
from ostiary.identity.passwords.gate import WAIT_SECONDS_MAX

MAIL = 'mail_from = "a@example.com"\nmail_smtp_url = "smtp://{}"\n'


@pytest.mark.parametrize(
    ("text", "code", "key", "hint"),
    [
        (
            (
                "[identity]\ncode_seconds = 5\nleeway_seconds = 2\n[edge]\n"
                "per_try_timeout_seconds = 2.5\n"
            ),
            "lifetime_shorter_than_request",
            "identity.code_seconds",
            "Write at least `code_seconds = 6`, or a shorter `per_try_timeout_seconds`.",
        ),
        (
            "[identity]\naccess_token_seconds = 4\nleeway_seconds = 2\n",
            "lifetime_shorter_than_request",
            "identity.access_token_seconds",
            "Write at least `access_token_seconds = 5`, or a shorter `per_try_timeout_seconds`.",
        ),
        (
            "[edge]\nper_try_timeout_seconds = 1.0\n",
            "attempt_shorter_than_sign_in",
            "edge.per_try_timeout_seconds",
            "Write at least `per_try_timeout_seconds = 1.1`.",
        ),
        (
            (
                "[identity]\nhash_memory_kib = 65536\nhash_time_cost = 16\n[edge]\n"
                "per_try_timeout_seconds = 1.4\n"
            ),
            "attempt_shorter_than_sign_in",
            "edge.per_try_timeout_seconds",
            "Write at least `per_try_timeout_seconds = 1.6`.",
        ),
        (
            "[guard]\nstop_seconds_max = 1\n",
            "stop_shorter_than_request",
            "guard.stop_seconds_max",
            "Write at least `stop_seconds_max = 2`.",
        ),
        (
            "[identity]\nhash_memory_kib = 131072\nhash_concurrency = 17\n",
            "hash_memory_too_large",
            "identity.hash_memory_kib",
            "Write a smaller `hash_memory_kib`, or fewer `threads` and `hash_concurrency`.",
        ),
        (
            "[identity]\nreplicas = 64\nthreads = 6\n",
            "database_connections_too_many",
            "identity.database_connections",
            "Write a smaller `database_connections`, or fewer `replicas` or `threads`.",
        ),
        (
            "[identity]\nthreads = 9\ndatabase_connections = 2\n",
            "database_connections_too_few",
            "identity.database_connections",
            "Write at least `database_connections = 3`, or 0 for what the threads need.",
        ),
        (
            "[identity]\nmail_smtp_url = 'smtp://mail.example.com'\n",
            "mail_from_missing",
            "identity.mail_smtp_url",
            'Add the address that mail comes from: `mail_from = "login@example.com"`.',
        ),
        (
            f"[identity]\n{MAIL.format('me@mail.example.com')}",
            "mail_password_missing",
            "identity.mail_smtp_url",
            'Add `mail_smtp_password_file = "/etc/ostiary/smtp.password"`.',
        ),
        (
            f"[identity]\n{MAIL.format('mail.example.com')}mail_smtp_password_file = '/p'\n",
            "mail_user_missing",
            "identity.mail_smtp_password_file",
            (
                'Write for example `mail_smtp_url = "smtp://user@mail.example.com:587"`, or remove '
                "`mail_smtp_password_file`."
            ),
        ),
    ],
)
def test_settings_that_do_harm_together_are_refused(check, text, code, key, hint):
    (problem,) = check(text)

    assert (problem.code, problem.key, problem.hint) == (code, key, hint)


@pytest.mark.parametrize(
    "server", ["me:hunter22@mail.example.com", "mail.example.com:hunter22", "mail/hunter22"]
)
def test_what_may_be_a_password_in_a_mail_servers_address_is_not_repeated(check, server):
    (problem,) = check(f"[identity]\n{MAIL.format(server)}")

    assert problem.code == "mail_smtp_url_invalid"
    assert "hunter22" not in str(problem)


@pytest.mark.parametrize(
    ("url", "usual"),
    [
        ("https://Login.Example.com", "https://login.example.com"),
        ("https://login.example.com:443", "https://login.example.com"),
        ("http://localhost:80", "http://localhost"),
        ("HTTPS://login.example.com", "https://login.example.com"),
        ("https://büro.example.com", "https://xn--bro-hoa.example.com"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_a_public_url_is_written_as_browsers_write_it(check, url, usual):
    (problem,) = check(f'[edge]\npublic_url = "{url}"\n')

    assert problem.code == "public_url_unusual"
    assert problem.hint == f'Write `public_url = "{usual}"`.'
    assert check(f'[edge]\npublic_url = "{usual}"\n') == ()


@pytest.mark.parametrize("name", ["password", "mail_smtp_password", "smtp_password"])
def test_a_mail_password_in_the_file_is_sent_to_a_file_of_its_own(check, name):
    (problem,) = check(f"[identity]\n{name} = 'hunter22'\n")

    assert problem.code == "secret_in_file"
    assert problem.line == 2
    assert "hunter22" not in str(problem)
    assert ("mail_smtp_password_file" in problem.hint) == ("smtp" in name)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("database_url = 'postgresql://me:hunter22@db'", "OSTIARY_DATABASE_URL"),
        ("store_key = 'hunter22'", "OSTIARY_STORE_KEY_FILE"),
        ("private_key = 'hunter22'", "`[edge]`"),
        ("admin_token = 'hunter22'", "no setting takes a secret"),
        ("client_secret = {a = 'hunter22'}", "no setting takes a secret"),
    ],
)
def test_other_secrets_in_the_file_are_sent_where_they_belong(check, line, said):
    (problem,) = check(f"[identity]\n{line}\n")

    assert problem.code == "secret_in_file"
    assert said in problem.hint
    assert "hunter22" not in str(problem)


@pytest.mark.parametrize(
    "line",
    [
        "mail_smtp_password_file = 'hunter22'",
        "mail_smtp_password_file = ['hunter22']",
        "mail_smtp_url = 'me:hunter22@mail.example.com'",
        f"mail_smtp_password_file = '/hunter22{'x' * 5000}'",
    ],
)
def test_a_wrong_value_that_may_be_a_secret_is_not_repeated(check, line):
    (problem,) = check(f"[identity]\n{line}\n")

    assert problem.hint
    assert "hunter22" not in str(problem)


@pytest.mark.parametrize("key", ["key", "certificate"])
@pytest.mark.parametrize("length", [40, 6000])
def test_a_key_in_the_file_instead_of_its_path_is_refused_and_not_repeated(check, key, length):
    content = f"-----BEGIN PRIVATE KEY-----\n{'hunter22' * (length // 8)}\n"
    problems = check(f'[edge]\n{key} = """{content}"""\n')

    assert f"edge.{key}" in {problem.key for problem in problems}
    assert "hunter22" not in "".join(str(problem) for problem in problems)


@pytest.mark.parametrize(
    "text",
    [
        '[edge]\npublic_url = "https://a.b"\ncertificate = "c.pem"\nkey = "ostiary.toml"\n',
        f"[identity]\n{MAIL.format('me@mail')}mail_smtp_password_file = '{{own}}'\n",
    ],
)
def test_a_settings_file_that_names_itself_is_refused(check, tmp_path, text):
    (problem,) = check(text.format(own=tmp_path / "ostiary.toml"))

    assert problem.code == "names_itself"
    assert "Write the path of the file that is meant" in problem.hint


def test_the_longest_wait_for_a_hash_is_that_of_identity():
    assert HASH_WAIT_SECONDS_MAX == WAIT_SECONDS_MAX
