"""What limits guessing without locking others out: networks of failures, known devices.

An older release goes on inserting rows without them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns by which failures are counted beside their address, with their indexes."""
    for name in ("network", "network_range", "device"):
        op.add_column("sign_in_failures", sa.Column(name, sa.Text(), nullable=True))
    op.create_index("sign_in_failures_by_network", "sign_in_failures", ["network", "at"])
    op.create_index("sign_in_failures_by_range", "sign_in_failures", ["network_range", "at"])
