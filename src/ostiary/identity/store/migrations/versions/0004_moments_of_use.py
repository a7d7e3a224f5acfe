"""When codes and refresh tokens were used, to the millisecond.

An older release goes on writing whole seconds beside them, in `consumed_at` and `rotated_at`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("authorization_codes", sa.Column("consumed_ms", sa.BigInteger(), nullable=True))
    op.add_column("refresh_tokens", sa.Column("rotated_ms", sa.BigInteger(), nullable=True))
