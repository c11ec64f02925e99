"""Hands the outputs out over HTTP."""
