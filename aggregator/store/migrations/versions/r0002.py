"""Articles of each node by month, and which stretches of months are out of date, for archives of feeds."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def upgrade() -> None:
    """Make the tables and count what is listed."""
    op.create_table(
        "months",
        sa.Column("node_id", _ID, nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("articles", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_months_node_id_nodes")),
        sa.PrimaryKeyConstraint("node_id", "month", name=op.f("pk_months")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stale_months",
        sa.Column("node_id", _ID, nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_stale_months_node_id_nodes")),
        sa.PrimaryKeyConstraint("node_id", "month", name=op.f("pk_stale_months")),
        sqlite_with_rowid=False,
    )
    _count()


def _count() -> None:
    listing = sa.table("listing", sa.column("node_id"), sa.column("sort_at"))
    months = sa.table("months", sa.column("node_id"), sa.column("month"), sa.column("articles"))
    counts: Counter[tuple[int, str]] = Counter()
    for node_id, sort_at in op.get_bind().execute(sa.select(listing)):
        moment = _EPOCH + timedelta(microseconds=sort_at)
        counts[node_id, f"{moment.year:04d}-{moment.month:02d}"] += 1
    rows = [
        {"node_id": node_id, "month": month, "articles": count}
        for (node_id, month), count in sorted(counts.items())
    ]
    if rows:
        op.bulk_insert(months, rows)
