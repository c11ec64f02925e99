"""Rows that lead from listings and relations to articles are no foreign keys any more.

SQLite looks for such rows whenever an article is removed, and without an index, which these tables
would pay for with every article, it reads them from end to end.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_KEYS = (
    ("listing", ("fk_listing_article_id_articles",)),
    ("related", ("fk_related_article_id_articles", "fk_related_other_id_articles")),
)


def upgrade() -> None:
    """Drop the keys; SQLite copies the tables for it."""
    for table, names in _KEYS:
        known = {key["name"] for key in sa.inspect(op.get_bind()).get_foreign_keys(table)}
        if known.isdisjoint(names):
            continue
        with op.batch_alter_table(table, table_kwargs={"sqlite_with_rowid": False}) as changed:
            for name in names:
                changed.drop_constraint(op.f(name), type_="foreignkey")
