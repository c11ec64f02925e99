"""Which articles each feed holds, and when each last changed, so that feeds copy what did not change."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both columns; the next time a feed is written fills them."""
    op.add_column("articles", sa.Column("changed", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("outputs", sa.Column("entries", sa.LargeBinary(), nullable=True))
