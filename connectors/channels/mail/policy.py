"""How messages are written out. The standard library loses spaces between encoded words; the subject is
ours.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from email.policy import EmailPolicy

WORD_BYTES = 39


class MailPolicy(EmailPolicy):
    """The policy for SMTP, but for the subject: one line when ASCII, else words in base64 (RFC 2047)."""

    def fold(self, name: str, value: str) -> str:
        """The header as written, with its line end."""
        if name.lower() != "subject":
            folded: str = super().fold(name, value)
            return folded
        return f"{name}: {encoded_text(str(value))}\r\n"

    def fold_binary(self, name: str, value: str) -> bytes:
        """As `fold`, in bytes."""
        if name.lower() != "subject":
            folded: bytes = super().fold_binary(name, value)
            return folded
        return self.fold(name, value).encode("ascii")


ASCII_HEADERS = MailPolicy(linesep="\r\n")
UTF8_HEADERS = MailPolicy(linesep="\r\n", utf8=True)


def encoded_text(text: str) -> str:
    """The text of a header: itself when ASCII, else encoded words on lines of their own.

    Example:
        >>> encoded_text("商机")
        '=?utf-8?b?5ZWG5py6?='
    """
    if text.isascii():
        return text
    words = (base64.b64encode(part.encode()).decode("ascii") for part in _parts(text))
    return "\r\n ".join(f"=?utf-8?b?{word}?=" for word in words)


def _parts(text: str) -> Iterator[str]:
    part, size = "", 0
    for mark in text:
        width = len(mark.encode())
        if size + width > WORD_BYTES:
            yield part
            part, size = "", 0
        part += mark
        size += width
    yield part
