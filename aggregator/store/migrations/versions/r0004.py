"""Which entries the last document of each feed held, so that only new ones are parsed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table; the next document of each feed fills it."""
    op.create_table(
        "seen",
        sa.Column("source_id", _ID, autoincrement=False, nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_seen_source_id_sources")),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_seen")),
    )
