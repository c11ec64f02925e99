"""The upstream id that an article shows, which stays with it whatever its origin gives later."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; articles show what they showed."""
    op.add_column("articles", sa.Column("guid", sa.Text(), nullable=True))
    op.execute(
        "UPDATE articles SET guid = (SELECT guid FROM sightings"
        " WHERE source_id = articles.origin_source AND key = articles.origin_key)"
    )
