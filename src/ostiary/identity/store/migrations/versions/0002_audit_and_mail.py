"""The audit log and the outgoing mail, both written with the effect that caused them."""

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
