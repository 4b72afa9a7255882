"""Mail addresses made safe for headers and for SMTP commands. Says no rather than guessing."""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.utils import parseaddr

_LOCAL = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]{1,64}")
_DOMAIN = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.I
)


class AddressError(ValueError):
    """The text is not one plain mail address."""


def parse_address(text: str) -> Address:
    """One bare address, `local@domain`, no display name; an international domain is turned into its ASCII
    form.

    Raises AddressError for anything else: several addresses, spaces, control characters, quotes, no domain.

    Example:
        >>> parse_address("li@例子.cn").addr_spec
        'li@xn--fsqu00a.cn'
    """
    local, at, domain = text.rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or not _printable(local):
        raise AddressError(f"not a mail address: {_shown(text)}")
    if local.startswith(".") or local.endswith(".") or ".." in local:
        raise AddressError(f"not a mail address: {_shown(text)}")
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise AddressError(f"not a domain: {_shown(domain)}") from None
    if not _DOMAIN.fullmatch(ascii_domain):
        raise AddressError(f"not a domain: {_shown(domain)}")
    return Address(username=local, domain=ascii_domain)


def parse_sender(text: str) -> Address:
    """An address with or without a display name, `Name <local@domain>`; raises AddressError."""
    name, spec = parseaddr(text)
    if not spec or not _printable(text):
        raise AddressError(f"not a sender: {_shown(text)}")
    address = parse_address(spec)
    return Address(display_name=name, username=address.username, domain=address.domain)


def needs_smtputf8(address: Address) -> bool:
    """Whether the part before the @ can only be carried by a server with SMTPUTF8."""
    return not address.username.isascii()


def _printable(text: str) -> bool:
    return text.isprintable() and not any(0xD800 <= ord(mark) <= 0xDFFF for mark in text)


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 60 else text[:57] + "...")
