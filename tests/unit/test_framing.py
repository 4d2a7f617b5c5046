"""Messages of a connection: each once, whole, on a line of its own, however the bytes come in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.sources import framing
from responder.sources.framing import Framing
from responder.sources.lines import LONGEST, cut


def counted(*messages: bytes) -> bytes:
    return b"".join(b"%d %s" % (len(message), message) for message in messages)


def taken(*pieces: bytes) -> tuple[bytes, Framing]:
    """The lines of a connection that sent these pieces and ended."""
    made = Framing()
    lines = b"".join(made.take(piece) for piece in pieces)
    made.end()
    return lines, made


def told(made: Framing) -> dict[str, int]:
    return dict(made.troubles)


@pytest.mark.parametrize("stream", [b"<22>one\n<22>two\r\n", counted(b"<22>one", b"<22>two\n", b"\n")])
def test_both_framings_give_lines(stream):
    """The first byte says which it is; ends of lines that came with a message are not doubled."""
    lines, made = taken(stream)
    assert lines == b"<22>one\n<22>two\n"
    assert (told(made), made.broken) == ({}, None)


def test_a_message_never_becomes_two_lines():
    """Line feeds, NUL and other control characters in a counted message are replaced, tabs are left."""
    lines, made = taken(counted(b"<22>a\n<22>forged\r\n\0\tb\x1b\x7f \xc3\xa9"))
    assert lines.decode() == "<22>a\ufffd<22>forged\ufffd\ufffd\ufffd\tb\ufffd\ufffd \xe9\n"
    assert told(made) == {}


def test_what_has_no_priority_is_no_message():
    """The second half of a message that was cut by its own line feed, say; those beside it are read."""
    lines, made = taken(b"<22>one\nNov 24 08:00:01 forged\n{}\n<22>two\n")
    assert lines == b"<22>one\n<22>two\n"
    assert told(made) == {framing.NO_PRIORITY: 2}
    assert taken(counted(b"one", b"<22>two"))[0] == b"<22>two\n"


@pytest.mark.parametrize(
    "stream", [b"\x16\x03\x01\x02", b"GET / HTTP/1.0\r\n\r\n", b"\0", b" 5 <22>a", b"\n<22>a\n"]
)
def test_what_is_no_syslog_ends_the_connection(stream):
    """TLS on a port without it, say."""
    lines, made = taken(stream, b"<22>one\n")
    assert (lines, made.broken) == (b"", framing.NO_SYSLOG)


@pytest.mark.parametrize(
    "wrong",
    [b"<22>two", b"0 ", b"07 <22>two", b"5a <22>a", b"5<22>a", b"1234567890 ", b"\n", b"-1 a", b"\xd9\xa1 a"],
)
def test_a_wrong_count_ends_the_connection_and_keeps_what_came_before(wrong):
    """After it nothing says where a message begins."""
    lines, made = taken(counted(b"<22>one") + wrong, counted(b"<22>three"))
    assert (lines, made.broken, told(made)) == (b"<22>one\n", framing.NO_COUNT, {})


@pytest.mark.parametrize("frame", [counted, lambda *messages: b"".join(each + b"\n" for each in messages)])
def test_a_message_that_is_too_long_is_passed_over_and_held_nowhere(frame):
    """Up to what is read of a line of a file; those around it are read."""
    fits, more = b"<22>" + b"x" * (LONGEST - 5), b"<22>" + b"x" * (LONGEST - 4)
    assert taken(frame(fits))[0] == fits + b"\n"
    assert cut(fits + b"\n", LONGEST)[1] == []
    stream = frame(b"<22>one", more, b"<22>" + b"x" * 1_000_000, b"<22>two")
    for size in (7, 1000, LONGEST, len(stream)):
        made = Framing()
        lines = b""
        for at in range(0, len(stream), size):
            lines += made.take(stream[at : at + size])
            assert len(made._held) <= LONGEST + 10
        made.end()
        assert lines == b"<22>one\n<22>two\n"
        assert told(made) == {framing.TOO_LONG: 2}


@pytest.mark.parametrize("stream", [b"<22>one\n<22>tw", b"7 <22>one7 <22>tw", b"7 <22>one7"])
def test_an_unfinished_message_is_lost_and_told(stream):
    """Half a line could say something else than the whole."""
    lines, made = taken(stream)
    assert lines == b"<22>one\n"
    assert told(made) == {framing.UNFINISHED: 1}


def test_a_connection_without_a_byte_is_no_trouble():
    """As those who only ask whether the port is open make."""
    assert taken()[1].troubles == {}


messages = st.lists(st.binary(max_size=40).map(lambda rest: b"<22>" + rest), max_size=8)


@given(messages, st.booleans(), st.lists(st.integers(1, 30), max_size=40))
def test_any_pieces_give_the_same_lines(messages, by_count, sizes):
    """Where the network cuts does not matter, and there are as many lines as messages."""
    if not by_count:
        messages = [message.replace(b"\n", b"") for message in messages]
    stream = counted(*messages) if by_count else b"".join(message + b"\n" for message in messages)
    whole, made = taken(stream)
    pieces, at = [], 0
    for size in sizes:
        pieces.append(stream[at : at + size])
        at += size
    assert taken(*pieces, stream[at:])[0] == whole
    assert whole.count(b"\n") == len(messages)
    assert (told(made), made.broken) == ({}, None)


@given(st.lists(st.binary(max_size=50), max_size=10))
def test_any_bytes_at_all_are_borne(pieces):
    """Nothing a sender writes makes it fail, and lines have a priority and one end."""
    lines, _ = taken(b"<", *pieces)
    assert all(line.startswith(b"<") for line in lines.split(b"\n")[:-1])
    lines, _ = taken(b"1", *pieces)
    assert all(line.startswith(b"<") for line in lines.split(b"\n")[:-1])
