"""Rules about `[services.NAME.oidc]`: what belongs together, and the files of its secrets."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.finding import Finding
from ostiary.changes.rules.services import key_of
from ostiary.changes.rules.surroundings import Surroundings
from ostiary.edge.service_model import is_below
from ostiary.kernel.settings import dotted
from ostiary.watch.oidc_journeys.settings import OidcSettings
from ostiary.watch.secret_files import SecretFileError, read_secret

_SIGN_IN = ("username", "password_file", "redirect_uri")
_SECRET_FILES = ("client_secret_file", "password_file")


def oidc_keys_belong_together(configuration: Configuration) -> Iterator[Finding]:
    """Object to half of what a sign-in needs, and to journeys that have nobody to walk them."""
    for name, oidc in _providers(configuration):
        given = [key for key in _SIGN_IN if getattr(oidc, key) is not None]
        if given and len(given) < len(_SIGN_IN):
            lacking = " and ".join(f"`{key}`" for key in _SIGN_IN if key not in given)
            yield Finding(
                key_of(name, "oidc", given[0]),
                "oidc_sign_in_incomplete",
                f"`{dotted(key_of(name, 'oidc'))}` has no {lacking}, so nobody can sign in.",
                "Write `username`, `password_file` and `redirect_uri`, or none of them.",
            )
        if not given and not oidc.client_credentials:
            yield Finding(
                key_of(name, "oidc"),
                "oidc_tries_nothing",
                f"`{dotted(key_of(name, 'oidc'))}` names neither an account nor "
                "`client_credentials`, so no token would ever be seen.",
                "Write `username`, `password_file` and `redirect_uri`, or "
                "`client_credentials = true`.",
            )
        yield from _needs(name, oidc)


def oidc_addresses_are_whole(configuration: Configuration) -> Iterator[Finding]:
    """Object to an address that no provider would register, and to an issuer of somebody else."""
    for name, oidc in _providers(configuration):
        if oidc.redirect_uri is not None and not _is_absolute(oidc.redirect_uri):
            yield Finding(
                key_of(name, "oidc", "redirect_uri"),
                "redirect_uri_malformed",
                f"`{dotted(key_of(name, 'oidc', 'redirect_uri'))}` is no absolute address.",
                'Write it as the client has registered it, such as "https://app.example.org/back"; '
                "nobody ever asks for it.",
            )
        routes = configuration.snapshot_settings.services[name].routes
        path = oidc.issuer_path
        if path is not None and not any(is_below(path, route) for route in routes):
            yield Finding(
                key_of(name, "oidc", "issuer_path"),
                "issuer_elsewhere",
                f"The issuer of the service {name} is not below one of its routes.",
                f'Write a path such as `issuer_path = "{routes[0]}"`, without a slash at the end.',
            )


def oidc_secrets_can_be_read(configuration: Configuration, _: Surroundings) -> Iterator[Finding]:
    """Object to files of secrets that the guard could not read. Looks at this machine."""
    for name, oidc in _providers(configuration):
        for key in _SECRET_FILES:
            file = getattr(oidc, key)
            if file is None:
                continue
            try:
                secret = read_secret(Path(file))
            except SecretFileError as error:
                yield _unreadable(name, key, f"cannot be read: {error}")
            else:
                if not secret.isprintable() or not secret:
                    yield _unreadable(name, key, f"holds no secret on one line: {file}")


def _needs(name: str, oidc: OidcSettings) -> Iterator[Finding]:
    """Object to what the client cannot do without a secret, or without an account."""
    for key, needed in (
        ("client_credentials", "client_secret_file"),
        ("introspection", "client_secret_file"),
        ("refresh", "username"),
    ):
        if getattr(oidc, key) and getattr(oidc, needed) is None:
            yield Finding(
                key_of(name, "oidc", key),
                f"oidc_without_{needed}",
                f"`{dotted(key_of(name, 'oidc', key))}` is true, but there is no `{needed}`.",
                f"Write `{needed}`, or leave `{key}` out.",
            )
    if oidc.signs_in and "openid" not in oidc.scope.split():
        yield Finding(
            key_of(name, "oidc", "scope"),
            "scope_without_openid",
            f"`{dotted(key_of(name, 'oidc', 'scope'))}` does not hold `openid`, so no id token "
            "comes.",
            f'Write `scope = "openid {oidc.scope}"`.',
        )


def _unreadable(name: str, key: str, why: str) -> Finding:
    return Finding(
        key_of(name, "oidc", key),
        "secret_file_unreadable",
        f"The file in `{dotted(key_of(name, 'oidc', key))}` {why}.",
        "Name a file that holds the secret alone, and that the guard's user can read.",
    )


def _providers(configuration: Configuration) -> Iterator[tuple[str, OidcSettings]]:
    for name, service in configuration.snapshot_settings.services.items():
        if service.oidc is not None:
            yield name, service.oidc


def _is_absolute(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path)) and not parts.fragment
