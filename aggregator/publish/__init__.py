"""Articles to files: posts, feeds, pages, OPML; each by an atomic replace."""
