"""Entries to articles: cleaned, absolute, identified. Pure."""
