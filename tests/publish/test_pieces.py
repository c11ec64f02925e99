"""Documents in parts, and the notes by which others copy from them."""

from hypothesis import given
from hypothesis import strategies as st

from aggregator.publish.pieces import Entries, Piece, Rendered

PIECES = st.lists(
    st.builds(Piece, st.integers(1, 2**53), st.booleans(), st.binary(max_size=50)),
    max_size=20,
    unique_by=lambda piece: piece.article,
)


@given(
    st.binary(max_size=30),
    PIECES,
    st.binary(max_size=30),
    st.sampled_from([b"", b",\n"]),
    st.integers(0, 9**15),
)
def test_what_was_put_together_comes_apart(
    top: bytes, pieces: list[Piece], end: bytes, joint: bytes, serial: int
) -> None:
    """From its bytes and its note a document gives back every piece, each of them passed."""
    whole = Rendered(top, tuple(pieces), end, joint)
    found = Entries(whole.data, whole.note(serial))
    assert found.serial == serial
    for piece in pieces:
        copy = Piece(piece.article, piece.own, piece.data, checked=True)
        assert found.piece(piece.article, own=piece.own) == copy
        assert found.piece(piece.article, own=not piece.own) is None
    assert found.piece(0, own=False) is None


def test_only_what_nobody_looked_at_is_unchecked() -> None:
    """Pieces that passed elsewhere are left out of what the gate reads."""
    old, new = Piece(1, own=False, data=b"old", checked=True), Piece(2, own=False, data=b"new")
    assert Rendered(b"<", (old, new, new), b">", b",").unchecked == b"<new,new>"
