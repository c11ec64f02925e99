"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite takes only INTEGER as another name for its row id.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table, parents first."""
    _upkeep()
    _sources()
    _files()
    _articles()
    _sightings()
    _identity()
    _outputs()


def _upkeep() -> None:
    op.create_table(
        "meta",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    counters = sa.table("counters", sa.column("name"), sa.column("value"))
    op.bulk_insert(counters, [{"name": "serial", "value": 0}, {"name": "article", "value": 0}])


def _sources() -> None:
    op.create_table(
        "sources",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("categories", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("body_hash", sa.Text(), nullable=True),
        sa.Column("next_due", sa.BigInteger(), nullable=True),
        sa.Column("last_attempt", sa.BigInteger(), nullable=True),
        sa.Column("last_success", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("retry_after", sa.BigInteger(), nullable=True),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("moved_to", sa.Text(), nullable=True),
        sa.Column("moved_since", sa.BigInteger(), nullable=True),
        sa.Column("moved_count", sa.Integer(), nullable=False),
        sa.Column("rhythm", sa.Text(), nullable=False),
        sa.Column("fresh_until", sa.BigInteger(), nullable=True),
        sa.Column("cut", sa.Integer(), nullable=False),
        sa.Column("feed_title", sa.Text(), nullable=True),
        sa.Column("feed_link", sa.Text(), nullable=True),
        sa.Column("feed_id", sa.Text(), nullable=True),
        sa.Column("feed_updated", sa.BigInteger(), nullable=True),
        sa.Column("void_guids", sa.LargeBinary(), nullable=True),
        sa.Column("void_links", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sources")),
        sa.UniqueConstraint("name", name=op.f("uq_sources_name")),
    )


def _files() -> None:
    op.create_table(
        "files",
        sa.Column("source_id", _ID, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("inode", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_files_source_id_sources")),
        sa.PrimaryKeyConstraint("source_id", "path", name=op.f("pk_files")),
        sqlite_with_rowid=False,
    )


def _articles() -> None:
    op.create_table(
        "articles",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("published", sa.BigInteger(), nullable=True),
        sa.Column("sort_at", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("origin_source", _ID, nullable=False),
        sa.Column("origin_key", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_articles")),
        sa.UniqueConstraint("uid", name=op.f("uq_articles_uid")),
    )
    op.create_table(
        "contents",
        sa.Column("article_id", _ID, autoincrement=False, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_contents_article_id_articles")
        ),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_contents")),
    )
    op.create_table(
        "nodes",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("articles", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nodes")),
    )
    op.create_index("uq_nodes_kind_path", "nodes", ["kind", "path"], unique=True)


def _sightings() -> None:
    op.create_table(
        "sightings",
        sa.Column("source_id", _ID, nullable=False),
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("article_id", _ID, nullable=False),
        sa.Column("rung", sa.String(length=8), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("published", sa.BigInteger(), nullable=True),
        sa.Column("node_id", _ID, nullable=True),
        sa.Column("guid", sa.Text(), nullable=True),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("text", sa.LargeBinary(length=16), nullable=False),
        sa.Column("extras", sa.LargeBinary(length=16), nullable=False),
        sa.Column("exact", sa.LargeBinary(length=16), nullable=False),
        sa.Column("feed_updated", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_sightings_article_id_articles")
        ),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_sightings_node_id_nodes")),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_sightings_source_id_sources")),
        sa.PrimaryKeyConstraint("source_id", "key", name=op.f("pk_sightings")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_sightings_article_id"), "sightings", ["article_id"], unique=False)


def _identity() -> None:
    op.create_table(
        "marks",
        sa.Column("mark", sa.LargeBinary(length=16), nullable=False),
        sa.Column("article_id", _ID, nullable=False),
        sa.Column("source_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_marks_article_id_articles")),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_marks_source_id_sources")),
        sa.PrimaryKeyConstraint("mark", "article_id", "source_id", name=op.f("pk_marks")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_marks_article_id"), "marks", ["article_id"], unique=False)
    op.create_table(
        "listing",
        sa.Column("node_id", _ID, nullable=False),
        sa.Column("sort_at", sa.BigInteger(), nullable=False),
        sa.Column("tie", sa.BigInteger(), nullable=False),
        sa.Column("article_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_listing_article_id_articles")),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_listing_node_id_nodes")),
        sa.PrimaryKeyConstraint("node_id", "sort_at", "tie", "article_id", name=op.f("pk_listing")),
        sqlite_with_rowid=False,
    )


def _outputs() -> None:
    op.create_table(
        "stale_posts",
        sa.Column("article_id", _ID, autoincrement=False, nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_stale_posts_article_id_articles")
        ),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_stale_posts")),
    )
    op.create_table(
        "stale_nodes",
        sa.Column("node_id", _ID, autoincrement=False, nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_stale_nodes_node_id_nodes")),
        sa.PrimaryKeyConstraint("node_id", name=op.f("pk_stale_nodes")),
    )
    op.create_table(
        "outputs",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_outputs")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_outputs_kind_key", "outputs", ["kind", "key"], unique=False)
    op.create_table(
        "obsolete",
        sa.Column("path", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_obsolete")),
        sqlite_with_rowid=False,
    )
