"""All tables of the login service, as SQLAlchemy Core sees them.

Times are whole Unix seconds; columns that end in `_ms` hold milliseconds. Codes, refresh tokens and
sessions are stored as SHA-256 only. `minted_by` names the snapshot that created a row. `request_id`
columns make side effects idempotent: the edge may ask the same request of a second replica (see
`http.context`).
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("roles", JSON, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("probe", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by_request", Text, nullable=False),
    Column("minted_by", Text, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_hash", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("created_by_request", Text, nullable=False, unique=True),
    Column("minted_by", Text, nullable=False),
    Index("sessions_by_user", "user_id"),
    Index("sessions_by_expiry", "expires_at"),
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("email_key", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("network", Text, nullable=True),
    Column("network_range", Text, nullable=True),
    Column("device", Text, nullable=True),
    Index("sign_in_failures_by_email", "email_key", "at"),
    Index("sign_in_failures_by_network", "network", "at"),
    Index("sign_in_failures_by_range", "network_range", "at"),
)

clients = Table(
    "clients",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("secret_hash", Text, nullable=True),
    Column("redirect_uris", JSON, nullable=False),
    Column("post_logout_redirect_uris", JSON, nullable=False),
    Column("grants", JSON, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("audience", Text, nullable=True),
    Column("access_token_seconds", Integer, nullable=True),
    Column("probe", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

authorization_codes = Table(
    "authorization_codes",
    metadata,
    Column("code_hash", Text, primary_key=True),
    Column("client_id", Text, ForeignKey("clients.client_id", ondelete="CASCADE"), nullable=False),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("session_hash", Text, nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("nonce", Text, nullable=True),
    Column("code_challenge", Text, nullable=False),
    Column("auth_time", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("created_by_request", Text, nullable=False, unique=True),
    Column("consumed_by_request", Text, nullable=True),
    Column("consumed_at", BigInteger, nullable=True),
    Column("consumed_ms", BigInteger, nullable=True),
    Column("family_id", Text, nullable=True),
    Column("minted_by", Text, nullable=False),
    Index("authorization_codes_by_expiry", "expires_at"),
)

grant_families = Table(
    "grant_families",
    metadata,
    Column("id", Text, primary_key=True),
    Column("client_id", Text, ForeignKey("clients.client_id", ondelete="CASCADE"), nullable=False),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("session_hash", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("auth_time", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger, nullable=True),
    Column("revoked_because", Text, nullable=True),
    Column("minted_by", Text, nullable=False),
    Index("grant_families_by_user", "user_id"),
    Index("grant_families_by_session", "session_hash"),
    Index("grant_families_by_creation", "created_at"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("family_id", Text, ForeignKey("grant_families.id", ondelete="CASCADE"), nullable=False),
    Column("parent_hash", Text, nullable=True),
    Column("issued_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("issued_by_request", Text, nullable=False, unique=True),
    Column("rotated_at", BigInteger, nullable=True),
    Column("rotated_ms", BigInteger, nullable=True),
    Column("rotated_by_request", Text, nullable=True),
    Column("minted_by", Text, nullable=False),
    Index("refresh_tokens_by_family", "family_id"),
    Index("refresh_tokens_by_parent", "parent_hash"),
    Index("refresh_tokens_by_expiry", "expires_at"),
    Index("refresh_tokens_by_rotation", "rotated_at"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("snapshot", Text, nullable=True),
    Column("generation", Integer, nullable=True),
    Column("algorithm", Text, nullable=False),
    Column("private_jwk_sealed", Text, nullable=True),
    Column("public_jwk", JSON, nullable=False),
    Column("published_at", BigInteger, nullable=False),
    Column("genesis", Boolean, nullable=False),
    Column("claimed_at", BigInteger, nullable=True),
    Column("jwks_max_age_seconds", Integer, nullable=True),
    Column("replaced_at", BigInteger, nullable=True),
    Column("last_used_at", BigInteger, nullable=True),
    Column("retired_at", BigInteger, nullable=True),
    Column("retired_because", Text, nullable=True),
    UniqueConstraint("snapshot", "generation"),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("operation", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("client_address", Text, nullable=False),
    Column("minted_by", Text, nullable=False),
    Column("probe", Boolean, nullable=False),
    Column("details", JSON, nullable=False),
    UniqueConstraint("operation", "request_id"),
    Index("audit_entries_by_subject", "subject", "at"),
    Index("audit_entries_by_time", "at"),
)

mails = Table(
    "mails",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("operation", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=True),
    Column("attempts", Integer, nullable=False),
    Column("claim", Text, nullable=True),
    Column("sent_at", BigInteger, nullable=True),
    Column("given_up_at", BigInteger, nullable=True),
    Column("minted_by", Text, nullable=False),
    UniqueConstraint("operation", "request_id"),
    Index("mails_by_due", "due_at"),
    Index("mails_by_recipient", "recipient", "kind", "created_at"),
)

server_secrets = Table(
    "server_secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value_sealed", Text, nullable=False),
)
