"""Collects feeds and seed directories, keeps one copy of each article, republishes it."""

__version__ = "0.1.0"
