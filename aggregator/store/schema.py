"""The tables as the newest revision has them; `migrations` says how each revision got there.

    meta            small facts of the whole database
    counters        numbers that only grow: article ids, the serial of changes
    sources         one row a source: settings as last seen, and its state between passes
    files           stamps of the files of seed directories
    seen            of each feed, which entries its last document held (see aggregator.seen)
    articles        one row a distinct piece of writing: identity and dates
    contents        what an article says, in its origin's words
    sightings       source S gave entry K, and which article that is
    marks           what identifies an article: hashes of its links and texts
    nodes           category paths and sources that articles are listed under
    listing         the articles of a node in the order of its feeds
    months          how many articles a node lists in each month
    revisions       what articles said before they were edited
    related         pairs of articles that say nearly the same
    bands           what nearly equal texts share, by day
    floods          sudden masses of old entries, of which articles are held back
    tombs           what was removed and may not come back
    tomb_marks      what a removed article would be recognised by
    tomb_nodes      where a removed article was listed
    stale_posts     articles whose post is out of date
    stale_nodes     nodes whose feeds are out of date
    stale_months    stretches of months whose archive documents are out of date
    outputs         every file that was written
    obsolete        files that were written and are to be removed

Moments are microseconds since 1970, keys and hashes 16 bytes (see `codec`).
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""Every revision of the schema, oldest first; a test holds it against the migrations."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite takes only INTEGER as another name for its row id.
_Id = BigInteger().with_variant(Integer, "sqlite")
_Moment = BigInteger
_Hash = LargeBinary(16)

_HELD = text("flood_id IS NOT NULL")

meta = Table(
    "meta",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("value", Text, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

sources = Table(
    "sources",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", String(8), nullable=False),
    Column("location", Text, nullable=False),
    Column("categories", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("first_seen", _Moment, nullable=False),
    # From here on: model.SourceState, field by field.
    Column("url", Text),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("body_hash", Text),
    Column("next_due", _Moment),
    Column("last_attempt", _Moment),
    Column("last_success", _Moment),
    Column("last_error", Text),
    Column("failing_since", _Moment),
    Column("failures", Integer, nullable=False),
    Column("retry_after", _Moment),
    Column("gone", Boolean, nullable=False),
    Column("moved_to", Text),
    Column("moved_since", _Moment),
    Column("moved_count", Integer, nullable=False),
    Column("rhythm", Text, nullable=False),
    Column("fresh_until", _Moment),
    Column("cut", Integer, nullable=False),
    Column("feed_title", Text),
    Column("feed_link", Text),
    Column("feed_id", Text),
    Column("feed_updated", _Moment),
    Column("void_guids", LargeBinary),
    Column("void_links", LargeBinary),
)

files = Table(
    "files",
    metadata,
    Column("source_id", ForeignKey("sources.id"), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    # Unsigned 64 bit on some file systems, so not a number column.
    Column("inode", Text, nullable=False),
    sqlite_with_rowid=False,
)

seen = Table(
    "seen",
    metadata,
    Column("source_id", ForeignKey("sources.id"), primary_key=True, autoincrement=False),
    Column("entries", LargeBinary, nullable=False),
)

articles = Table(
    "articles",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),
    Column("uid", String(32), nullable=False, unique=True),
    Column("first_seen", _Moment, nullable=False),
    Column("published", _Moment),
    Column("sort_at", _Moment, nullable=False),
    Column("updated", _Moment, nullable=False),
    # The sighting whose words `contents` holds; no foreign key, as the two point at each other.
    Column("origin_source", _Id, nullable=False),
    Column("origin_key", _Hash, nullable=False),
    # The flood that it came with and is held back for; NULL for nearly all.
    Column("flood_id", _Id),
    # The serial of the last change of anything that outputs show of it.
    Column("changed", BigInteger, nullable=False, server_default="0"),
    # The id that its source gave it, as outputs show it: no other article shows it (see `upstream`).
    Column("guid", Text),
    # In PostgreSQL too (see migrations); to say so here would load its dialect, which takes 70 ms.
    Index("ix_articles_flood_id", "flood_id", sqlite_where=_HELD),
)

contents = Table(
    "contents",
    metadata,
    Column("article_id", ForeignKey("articles.id"), primary_key=True, autoincrement=False),
    Column("title", Text, nullable=False),
    Column("link", Text),
    Column("body", LargeBinary, nullable=False),
    Column("details", LargeBinary, nullable=False),
)

nodes = Table(
    "nodes",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("path", Text, nullable=False),
    Column("articles", Integer, nullable=False),
    Index("uq_nodes_kind_path", "kind", "path", unique=True),
)

sightings = Table(
    "sightings",
    metadata,
    Column("source_id", ForeignKey("sources.id"), primary_key=True),
    Column("key", _Hash, primary_key=True),
    Column("article_id", ForeignKey("articles.id"), nullable=False, index=True),
    Column("rung", String(8), nullable=False),
    Column("first_seen", _Moment, nullable=False),
    Column("published", _Moment),
    Column("node_id", ForeignKey("nodes.id")),
    Column("guid", Text),
    Column("link", Text),
    Column("text", _Hash, nullable=False),
    Column("extras", _Hash, nullable=False),
    Column("exact", _Hash, nullable=False),
    Column("feed_updated", _Moment),
    # What the rung rests on, for people: the link, or how alike the texts are.
    Column("evidence", Text),
    sqlite_with_rowid=False,
)

marks = Table(
    "marks",
    metadata,
    Column("mark", _Hash, primary_key=True),
    Column("article_id", ForeignKey("articles.id"), primary_key=True, index=True),
    Column("source_id", ForeignKey("sources.id"), primary_key=True),
    sqlite_with_rowid=False,
)

listing = Table(
    "listing",
    metadata,
    Column("node_id", ForeignKey("nodes.id"), primary_key=True),
    Column("sort_at", _Moment, primary_key=True),
    # Falls as the uid rises, so that one backward scan orders by (sort_at descending, uid).
    Column("tie", BigInteger, primary_key=True),
    # No foreign key, here and below: removing an article would read the table from end to end.
    Column("article_id", _Id, primary_key=True),
    sqlite_with_rowid=False,
)

months = Table(
    "months",
    metadata,
    Column("node_id", ForeignKey("nodes.id"), primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("articles", Integer, nullable=False),
    sqlite_with_rowid=False,
)

revisions = Table(
    "revisions",
    metadata,
    Column("article_id", ForeignKey("articles.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    # From when to when the article said this.
    Column("since", _Moment, nullable=False),
    Column("until", _Moment, nullable=False),
    Column("title", Text, nullable=False),
    Column("link", Text),
    Column("body", LargeBinary, nullable=False),
)

related = Table(
    "related",
    metadata,
    Column("article_id", _Id, primary_key=True),
    Column("other_id", _Id, primary_key=True),
    Column("likeness", Float, nullable=False),
    sqlite_with_rowid=False,
)

bands = Table(
    "bands",
    metadata,
    Column("band", BigInteger, primary_key=True),
    # Days since 1970 of the date that sorts.
    Column("day", Integer, primary_key=True),
    # No foreign key: rows of removed articles stay until `prune`, and lead nowhere.
    Column("article_id", _Id, primary_key=True),
    sqlite_with_rowid=False,
)

floods = Table(
    "floods",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("at", _Moment, nullable=False),
    Column("expected", Integer, nullable=False),
)

tombs = Table(
    "tombs",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("at", _Moment, nullable=False),
    Column("reason", Text, nullable=False),
    # The article, or the source of which nothing is taken any more.
    Column("uid", String(32), index=True),
    Column("guid", Text),
    Column("link", Text),
    Column("source_id", ForeignKey("sources.id"), index=True),
    # Who carried it: what must be fetched again if this is undone.
    Column("sightings", Text, nullable=False),
)

tomb_marks = Table(
    "tomb_marks",
    metadata,
    Column("mark", _Hash, primary_key=True),
    Column("tomb_id", ForeignKey("tombs.id"), primary_key=True, index=True),
    sqlite_with_rowid=False,
)

tomb_nodes = Table(
    "tomb_nodes",
    metadata,
    Column("node_id", ForeignKey("nodes.id"), primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("tomb_id", ForeignKey("tombs.id"), primary_key=True, index=True),
    sqlite_with_rowid=False,
)

stale_posts = Table(
    "stale_posts",
    metadata,
    Column("article_id", ForeignKey("articles.id"), primary_key=True, autoincrement=False),
    Column("serial", BigInteger, nullable=False),
)

stale_nodes = Table(
    "stale_nodes",
    metadata,
    Column("node_id", ForeignKey("nodes.id"), primary_key=True, autoincrement=False),
    Column("serial", BigInteger, nullable=False),
)

stale_months = Table(
    "stale_months",
    metadata,
    Column("node_id", ForeignKey("nodes.id"), primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("serial", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

outputs = Table(
    "outputs",
    metadata,
    Column("path", Text, primary_key=True),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("key", Text, nullable=False),
    # Which articles a feed or page holds, for what copies from it (see publish.pieces).
    Column("entries", LargeBinary),
    Index("ix_outputs_kind_key", "kind", "key"),
    sqlite_with_rowid=False,
)

obsolete = Table(
    "obsolete",
    metadata,
    Column("path", Text, primary_key=True),
    sqlite_with_rowid=False,
)
