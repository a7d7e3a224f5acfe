import socket
import threading
from email.message import EmailMessage
from pathlib import Path

import pytest

from ostiary.identity.mail.model import DeliveryError
from ostiary.identity.mail.smtp import SmtpServer, SmtpTransport, parse_server
from ostiary.kernel.errors import RefusedError
from tests.unit.identity.mail import certificates
from tests.unit.identity.mail.smtp_server import PASSWORD, USER, smtp_server


def message(to: str = "ada@example.org") -> EmailMessage:
    made = EmailMessage()
    made["From"] = "login@example.org"
    made["To"] = to
    made["Subject"] = "Hello"
    made.set_content("A line.\n")
    return made


def local(port: int, **changes: object) -> SmtpTransport:
    values = {"host": "127.0.0.1", "port": port, "encrypted": False, **changes}
    return SmtpTransport(SmtpServer(**values), "example.org")  # type: ignore[arg-type]


class TestAddresses:
    @pytest.mark.parametrize(
        ("url", "server"),
        [
            ("smtp://mail.example", SmtpServer("mail.example", 587, encrypted=False)),
            ("smtps://mail.example/", SmtpServer("mail.example", 465, encrypted=True)),
            ("smtp://[::1]:25", SmtpServer("::1", 25, encrypted=False)),
        ],
    )
    def test_what_a_url_means(self, url: str, server: SmtpServer) -> None:
        assert parse_server(url) == server

    def test_a_user_comes_with_a_password_file(self) -> None:
        server = parse_server("smtp://me%40x@mail.example", password_file="/secret")
        assert (server.user, server.password_file) == ("me@x", "/secret")

    @pytest.mark.parametrize(
        ("url", "file"),
        [
            ("http://mail.example", ""),
            ("smtp://", ""),
            ("smtp://mail.example:port", ""),
            ("smtp://mail.example:99999", ""),
            ("smtp://mail.example/path", ""),
            ("smtp://mail.example?x=1", ""),
            ("smtp://me@mail.example", ""),
            ("smtp://mail.example", "/secret"),
            ("smtp://me:hunter2@mail.example", "/secret"),
        ],
    )
    def test_what_is_refused_is_not_repeated(self, url: str, file: str) -> None:
        with pytest.raises(RefusedError) as refused:
            parse_server(url, password_file=file)
        assert "hunter2" not in str(refused.value)

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
    def test_only_this_machine_is_local(self, host: str) -> None:
        assert SmtpServer(host, 25, encrypted=False).is_local
        assert not SmtpServer(f"{host}.example", 25, encrypted=False).is_local


def test_a_mail_arrives() -> None:
    with smtp_server() as mailbox:
        local(mailbox.port).deliver(message(), "ada@example.org")
    assert mailbox.recipients == ["ada@example.org"]
    assert mailbox.messages[0]["subject"] == "Hello"


def test_an_address_outside_ascii_is_carried_by_a_server_that_can() -> None:
    with smtp_server() as mailbox:
        local(mailbox.port).deliver(message("ädä@example.org"), "ädä@example.org")
    assert mailbox.recipients == ["ädä@example.org"]


def test_an_address_that_cannot_be_said_is_refused_for_ever() -> None:
    with smtp_server() as mailbox, pytest.raises(DeliveryError) as failed:
        local(mailbox.port).deliver(message(), "ada\ud800@example.org")
    assert failed.value.is_final
    assert "ada" not in failed.value.reason
    assert mailbox.recipients == []


@pytest.mark.parametrize(
    ("said", "is_final"),
    [
        ({"rcpt_reply": "550 no such user"}, True),
        ({"rcpt_reply": "451 later"}, False),
        ({"data_reply": "554 no"}, True),
        ({"data_reply": "452 full"}, False),
    ],
)
def test_a_refusal_for_ever_is_told_from_one_for_now(said: dict[str, str], is_final: bool) -> None:
    with smtp_server() as mailbox:
        for name, reply in said.items():
            setattr(mailbox, name, reply)
        with pytest.raises(DeliveryError) as failed:
            local(mailbox.port).deliver(message(), "ada@example.org")
    assert failed.value.is_final is is_final
    assert "ada" not in failed.value.reason


class TestEncryption:
    @pytest.fixture
    def certificate(self, tmp_path: Path) -> certificates.Certificate:
        return certificates.make(tmp_path)

    def transport(self, port: int, tmp_path: Path, password: str, trust) -> SmtpTransport:
        file = tmp_path / "password"
        file.write_text(password + "\n")
        server = SmtpServer("localhost", port, encrypted=False, user=USER, password_file=str(file))
        return SmtpTransport(server, "example.org", trust)

    def test_the_password_is_sent_after_starttls_only(self, certificate, tmp_path: Path) -> None:
        with smtp_server(certificate=certificate) as mailbox:
            transport = self.transport(mailbox.port, tmp_path, PASSWORD, certificate.client)
            transport.deliver(message(), "ada@example.org")
        assert mailbox.logins == [USER]
        assert len(mailbox.messages) == 1

    def test_a_wrong_password_is_tried_again_later(self, certificate, tmp_path: Path) -> None:
        with smtp_server(certificate=certificate) as mailbox:
            transport = self.transport(mailbox.port, tmp_path, "wrong", certificate.client)
            with pytest.raises(DeliveryError) as failed:
                transport.deliver(message(), "ada@example.org")
        assert not failed.value.is_final
        assert mailbox.messages == []

    def test_a_password_file_that_is_no_text_is_mended_later(
        self, certificate, tmp_path: Path
    ) -> None:
        with smtp_server(certificate=certificate) as mailbox:
            transport = self.transport(mailbox.port, tmp_path, PASSWORD, certificate.client)
            Path(transport.server.password_file).write_bytes(b"\xff")
            with pytest.raises(DeliveryError) as failed:
                transport.deliver(message(), "ada@example.org")
        assert not failed.value.is_final

    def test_an_unknown_certificate_is_not_trusted(self, certificate, tmp_path: Path) -> None:
        with smtp_server(certificate=certificate) as mailbox:
            known = self.transport(mailbox.port, tmp_path, PASSWORD, certificate.client)
            transport = SmtpTransport(known.server, "example.org")
            with pytest.raises(DeliveryError) as failed:
                transport.deliver(message(), "ada@example.org")
        assert not failed.value.is_final
        assert mailbox.logins == []

    def test_without_starttls_nothing_leaves_this_machine(self, monkeypatch) -> None:
        monkeypatch.setattr(SmtpServer, "is_local", False)
        with smtp_server() as mailbox, pytest.raises(DeliveryError):
            local(mailbox.port).deliver(message(), "ada@example.org")
        assert mailbox.messages == []


def test_a_server_that_says_nothing_does_not_keep_the_sender(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ostiary.identity.mail.smtp._WAIT_SECONDS_MAX", 0.2)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(DeliveryError) as failed,
    ):
        local(silent.getsockname()[1]).deliver(message(), "ada@example.org")
    assert not failed.value.is_final


def test_a_server_that_hangs_up_is_a_failure_for_now() -> None:
    with socket.create_server(("127.0.0.1", 0)) as rude:

        def hang_up() -> None:
            rude.accept()[0].close()

        hanging_up = threading.Thread(target=hang_up)
        hanging_up.start()
        with pytest.raises(DeliveryError) as failed:
            local(rude.getsockname()[1]).deliver(message(), "ada@example.org")
        hanging_up.join()
    assert not failed.value.is_final
