"""Bytes to entries. Pure: no I/O, no clock, no settings beyond the arguments."""
