"""Earlier versions, near duplicates, removals and floods."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# SQLite takes only INTEGER as another name for its row id.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add columns and tables; what is stored stays as it is."""
    op.add_column("sightings", sa.Column("evidence", sa.Text(), nullable=True))
    _history()
    _floods()
    _removals()
    _removed_from()


def _history() -> None:
    op.create_table(
        "revisions",
        sa.Column("article_id", _ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_revisions_article_id_articles")
        ),
        sa.PrimaryKeyConstraint("article_id", "number", name=op.f("pk_revisions")),
    )
    op.create_table(
        "related",
        sa.Column("article_id", _ID, nullable=False),
        sa.Column("other_id", _ID, nullable=False),
        sa.Column("likeness", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_related_article_id_articles")),
        sa.ForeignKeyConstraint(["other_id"], ["articles.id"], name=op.f("fk_related_other_id_articles")),
        sa.PrimaryKeyConstraint("article_id", "other_id", name=op.f("pk_related")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "bands",
        sa.Column("band", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("article_id", _ID, nullable=False),
        sa.PrimaryKeyConstraint("band", "day", "article_id", name=op.f("pk_bands")),
        sqlite_with_rowid=False,
    )


def _floods() -> None:
    op.add_column("articles", sa.Column("flood_id", _ID, nullable=True))
    held = sa.text("flood_id IS NOT NULL")
    op.create_index(
        "ix_articles_flood_id", "articles", ["flood_id"], sqlite_where=held, postgresql_where=held
    )
    op.create_table(
        "floods",
        sa.Column("id", _ID, nullable=False),
        sa.Column("source_id", _ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_floods_source_id_sources")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_floods")),
    )


def _removals() -> None:
    op.create_table(
        "tombs",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=True),
        sa.Column("guid", sa.Text(), nullable=True),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("source_id", _ID, nullable=True),
        sa.Column("sightings", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_tombs_source_id_sources")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tombs")),
    )
    op.create_index(op.f("ix_tombs_source_id"), "tombs", ["source_id"], unique=False)
    op.create_index(op.f("ix_tombs_uid"), "tombs", ["uid"], unique=False)
    op.create_table(
        "tomb_marks",
        sa.Column("mark", sa.LargeBinary(length=16), nullable=False),
        sa.Column("tomb_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(["tomb_id"], ["tombs.id"], name=op.f("fk_tomb_marks_tomb_id_tombs")),
        sa.PrimaryKeyConstraint("mark", "tomb_id", name=op.f("pk_tomb_marks")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_tomb_marks_tomb_id"), "tomb_marks", ["tomb_id"], unique=False)


def _removed_from() -> None:
    op.create_table(
        "tomb_nodes",
        sa.Column("node_id", _ID, nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("tomb_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_tomb_nodes_node_id_nodes")),
        sa.ForeignKeyConstraint(["tomb_id"], ["tombs.id"], name=op.f("fk_tomb_nodes_tomb_id_tombs")),
        sa.PrimaryKeyConstraint("node_id", "month", "tomb_id", name=op.f("pk_tomb_nodes")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_tomb_nodes_tomb_id"), "tomb_nodes", ["tomb_id"], unique=False)
