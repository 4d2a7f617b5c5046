"""Messages of syslog over TCP, cut out of the bytes of one connection (RFC 6587)."""

from __future__ import annotations

import re
from collections import Counter

from responder.sources.lines import LONGEST

COUNT = re.compile(rb"([1-9]\d{0,8}) ")
BEGUN = re.compile(rb"(?:[1-9]\d{0,8})?")
CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""Control characters but the tab; a line feed in a message would begin a line that nobody logged."""

REPLACEMENT = "\ufffd".encode()

TOO_LONG = f"a message longer than {LONGEST} bytes; passed over"
NO_PRIORITY = "a message that does not begin with a priority (<PRI>); passed over"
NO_SYSLOG = (
    "begins with neither a count nor '<': no syslog, or TLS on a port without it; the connection was ended"
)
NO_COUNT = "no count where the next message begins; the connection was ended"
UNFINISHED = "ended in the middle of a message, which is lost"


class Framing:
    """Cuts what one connection sends into messages: counted ones, or lines, as its first byte says.

    ``troubles`` counts what was wrong with single messages, ``broken`` says why nothing more can be read.
    At most LONGEST bytes are held back.
    """

    def __init__(self) -> None:
        self.troubles: Counter[str] = Counter()
        self.broken: str | None = None
        self._counted: bool | None = None
        self._held = b""
        self._skip = 0

    def take(self, data: bytes) -> bytes:
        """The messages that are whole now, each as one line with its line feed, its priority as it came.

        Control characters become U+FFFD, so no message becomes two lines. What is passed over is told of in
        ``troubles``; what comes after a wrong count is dropped.
        """
        if self._counted is None and data:
            self._counted = data[:1].isdigit()
            if not self._counted and not data.startswith(b"<"):
                self.broken = NO_SYSLOG
        if self.broken:
            return b""
        messages = self._by_count(self._held + data) if self._counted else self._by_line(self._held + data)
        return b"".join(line for message in messages if (line := self._line(message)))

    def end(self) -> None:
        """Takes note that the connection is over; half a message could say something else than the whole."""
        if self._held:
            self.troubles[UNFINISHED] += 1

    def _by_count(self, data: bytes) -> list[bytes]:
        messages, at = [], min(self._skip, len(data))
        self._skip -= at
        while match := COUNT.match(data, at):
            size, start = int(match[1]), match.end()
            if size >= LONGEST:
                self.troubles[TOO_LONG] += 1
                at = min(start + size, len(data))
                self._skip = start + size - at
            elif start + size > len(data):
                break
            else:
                messages.append(data[start : start + size])
                at = start + size
        self._held = data[at:]
        if not match and not BEGUN.fullmatch(self._held):
            self.broken, self._held = NO_COUNT, b""
        return messages

    def _by_line(self, data: bytes) -> list[bytes]:
        *messages, self._held = data.split(b"\n")
        if self._skip and messages:
            del messages[0]
            self._skip = 0
        if self._skip or len(self._held) >= LONGEST:
            self.troubles[TOO_LONG] += not self._skip
            self._held, self._skip = b"", 1
        return messages

    def _line(self, message: bytes) -> bytes:
        message = message.rstrip(b"\r\n\0")
        if len(message) >= LONGEST:
            self.troubles[TOO_LONG] += 1
        elif message.startswith(b"<"):
            return CONTROL.sub(REPLACEMENT, message) + b"\n"
        elif message:
            self.troubles[NO_PRIORITY] += 1
        return b""
