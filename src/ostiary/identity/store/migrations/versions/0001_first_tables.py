"""First tables.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create all tables."""
    op.create_table('clients',
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('secret_hash', sa.Text(), nullable=True),
    sa.Column('redirect_uris', sa.JSON(), nullable=False),
    sa.Column('post_logout_redirect_uris', sa.JSON(), nullable=False),
    sa.Column('grants', sa.JSON(), nullable=False),
    sa.Column('scopes', sa.JSON(), nullable=False),
    sa.Column('audience', sa.Text(), nullable=True),
    sa.Column('access_token_seconds', sa.Integer(), nullable=True),
    sa.Column('probe', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('client_id')
    )
    op.create_table('server_secrets',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('value_sealed', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('name')
    )
    op.create_table('sign_in_failures',
    sa.Column('request_id', sa.Text(), nullable=False),
    sa.Column('email_key', sa.Text(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('request_id')
    )
    op.create_index('sign_in_failures_by_email', 'sign_in_failures', ['email_key', 'at'], unique=False)
    op.create_table('signing_keys',
    sa.Column('kid', sa.Text(), nullable=False),
    sa.Column('snapshot', sa.Text(), nullable=True),
    sa.Column('generation', sa.Integer(), nullable=True),
    sa.Column('algorithm', sa.Text(), nullable=False),
    sa.Column('private_jwk_sealed', sa.Text(), nullable=True),
    sa.Column('public_jwk', sa.JSON(), nullable=False),
    sa.Column('published_at', sa.BigInteger(), nullable=False),
    sa.Column('genesis', sa.Boolean(), nullable=False),
    sa.Column('claimed_at', sa.BigInteger(), nullable=True),
    sa.Column('jwks_max_age_seconds', sa.Integer(), nullable=True),
    sa.Column('replaced_at', sa.BigInteger(), nullable=True),
    sa.Column('last_used_at', sa.BigInteger(), nullable=True),
    sa.Column('retired_at', sa.BigInteger(), nullable=True),
    sa.Column('retired_because', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('kid'),
    sa.UniqueConstraint('snapshot', 'generation')
    )
    op.create_table('users',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('email_key', sa.Text(), nullable=False),
    sa.Column('password_hash', sa.Text(), nullable=False),
    sa.Column('roles', sa.JSON(), nullable=False),
    sa.Column('disabled', sa.Boolean(), nullable=False),
    sa.Column('probe', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('created_by_request', sa.Text(), nullable=False),
    sa.Column('minted_by', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('email_key')
    )
    op.create_table('authorization_codes',
    sa.Column('code_hash', sa.Text(), nullable=False),
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('session_hash', sa.Text(), nullable=False),
    sa.Column('redirect_uri', sa.Text(), nullable=False),
    sa.Column('scope', sa.Text(), nullable=False),
    sa.Column('nonce', sa.Text(), nullable=True),
    sa.Column('code_challenge', sa.Text(), nullable=False),
    sa.Column('auth_time', sa.BigInteger(), nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.Column('created_by_request', sa.Text(), nullable=False),
    sa.Column('consumed_by_request', sa.Text(), nullable=True),
    sa.Column('consumed_at', sa.BigInteger(), nullable=True),
    sa.Column('family_id', sa.Text(), nullable=True),
    sa.Column('minted_by', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['client_id'], ['clients.client_id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('code_hash'),
    sa.UniqueConstraint('created_by_request')
    )
    op.create_index('authorization_codes_by_expiry', 'authorization_codes', ['expires_at'], unique=False)
    op.create_table('grant_families',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('session_hash', sa.Text(), nullable=False),
    sa.Column('scope', sa.Text(), nullable=False),
    sa.Column('auth_time', sa.BigInteger(), nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('revoked_at', sa.BigInteger(), nullable=True),
    sa.Column('revoked_because', sa.Text(), nullable=True),
    sa.Column('minted_by', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['client_id'], ['clients.client_id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('grant_families_by_creation', 'grant_families', ['created_at'], unique=False)
    op.create_index('grant_families_by_session', 'grant_families', ['session_hash'], unique=False)
    op.create_index('grant_families_by_user', 'grant_families', ['user_id'], unique=False)
    op.create_table('sessions',
    sa.Column('session_hash', sa.Text(), nullable=False),
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.Column('created_by_request', sa.Text(), nullable=False),
    sa.Column('minted_by', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('session_hash'),
    sa.UniqueConstraint('created_by_request')
    )
    op.create_index('sessions_by_expiry', 'sessions', ['expires_at'], unique=False)
    op.create_index('sessions_by_user', 'sessions', ['user_id'], unique=False)
    op.create_table('refresh_tokens',
    sa.Column('token_hash', sa.Text(), nullable=False),
    sa.Column('family_id', sa.Text(), nullable=False),
    sa.Column('parent_hash', sa.Text(), nullable=True),
    sa.Column('issued_at', sa.BigInteger(), nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.Column('issued_by_request', sa.Text(), nullable=False),
    sa.Column('rotated_at', sa.BigInteger(), nullable=True),
    sa.Column('rotated_by_request', sa.Text(), nullable=True),
    sa.Column('minted_by', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['family_id'], ['grant_families.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('token_hash'),
    sa.UniqueConstraint('issued_by_request')
    )
    op.create_index('refresh_tokens_by_expiry', 'refresh_tokens', ['expires_at'], unique=False)
    op.create_index('refresh_tokens_by_family', 'refresh_tokens', ['family_id'], unique=False)
    op.create_index('refresh_tokens_by_parent', 'refresh_tokens', ['parent_hash'], unique=False)
    op.create_index('refresh_tokens_by_rotation', 'refresh_tokens', ['rotated_at'], unique=False)
