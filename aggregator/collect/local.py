"""Feeds from local files."""

import hashlib
import stat

from aggregator.collect.schedule import home, same_place
from aggregator.errors import FetchError, LimitExceeded
from aggregator.model import Fetched, SourceState, Validators
from aggregator.options import Source


def read_feed_file(source: Source, state: SourceState) -> Fetched:
    """Read a source's file if it changed since `state`; its stamp serves as the validator.

    The address is the file's URI. Raises FetchError, in a sentence, where it cannot be read.
    """
    assert source.path is not None, "a source with an address is fetched over HTTP"
    most = source.fetch.max_bytes
    try:
        found = source.path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise FetchError(f"{source.path} is not a file; name the feed file itself")
        if found.st_size > most:
            raise LimitExceeded(
                f"{source.path} is larger than max_bytes, {most:,} bytes; raise it if that is meant"
            )
        stamp = Validators(etag=f"{found.st_mtime_ns}-{found.st_size}-{found.st_ino}")
        place = home(source)
        same = same_place(source, state)
        if same and stamp == state.validators:
            return Fetched(body=None, url=place, validators=stamp, body_hash=state.body_hash)
        with source.path.open("rb") as file:
            body = file.read(most)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FetchError(f"{source.path} cannot be read: {reason}; correct the path or its rights") from error
    digest = hashlib.sha256(body).hexdigest()
    unchanged = same and digest == state.body_hash
    return Fetched(body=None if unchanged else body, url=place, validators=stamp, body_hash=digest)
