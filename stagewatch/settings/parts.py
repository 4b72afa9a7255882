"""What the tables of `stagewatch.toml` are made of: the base of their models and the values they share.

Reads nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from schemas.errors import SettingsError

Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""The name of an environment variable."""

Listen = Annotated[str, Field(pattern=r"^(\[[0-9a-fA-F:]+\]|[^:\s]+):[0-9]{1,5}$")]
"""address:port; an IPv6 address stands in brackets, port 0 takes a free one."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})


class Part(BaseModel):
    """A table of the settings: frozen, and no key is ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def host_of(address: str) -> str:
    """The host of `host:port`, without the brackets of an IPv6 address."""
    return address.rpartition(":")[0].strip("[]")


def secret(environment: Mapping[str, str], variable: str, code: str, place: str, owner: str) -> str:
    """The secret in an environment variable.

    Raises:
        SettingsError: `code`, at `place`: the variable is not set or empty. Its text never shows a secret.
    """
    found = environment.get(variable)
    if found:
        return found
    raise SettingsError(
        code,
        place=place,
        expected=f"the environment variable {variable} with {owner}",
        found="an empty value" if found == "" else "no such variable",
        next_step=f"export {variable}=... before starting",
    )
