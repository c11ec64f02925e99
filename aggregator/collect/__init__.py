"""Bytes from the network and from folders. The only room that talks to the network."""
