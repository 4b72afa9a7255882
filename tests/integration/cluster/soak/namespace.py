"""A network namespace with a cable to this machine that can be cut and healed. Needs root and iproute2.

What is cut says nothing: packets are lost, as when a switch dies. It must not know what runs inside.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import Self

NUMBERS = 1 << 14


def lacking() -> str | None:
    """Why this machine can have no namespace for us, in words; None: it can."""
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    if shutil.which("ip") is None:
        return "iproute2 is not installed"
    name = f"swtry{os.getpid()}"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return f"network namespaces are not allowed here: {tried.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", name], check=True)
    return None


class Namespace:
    """The namespace `name`; `gateway` is this machine as seen from inside, `inside` the other end.

    Example::

        with Namespace() as there:
            subprocess.run([*there.enter, "ip", "address"])
    """

    def __init__(self) -> None:
        number = os.getpid() % NUMBERS * 4
        self.name = f"swsoak{os.getpid()}"
        base = f"198.18.{number >> 8}"
        self.gateway, self.inside = f"{base}.{(number & 255) + 1}", f"{base}.{(number & 255) + 2}"
        self._cable, self._far_end = f"sw{os.getpid()}a", f"sw{os.getpid()}b"

    @property
    def enter(self) -> Sequence[str]:
        """Put in front of a command, runs it inside, under the same process id."""
        return ["ip", "netns", "exec", self.name]

    def cut(self) -> None:
        """Lose all packets from now on."""
        _ip("link", "set", self._cable, "down")

    def heal(self) -> None:
        """Let them through again."""
        _ip("link", "set", self._cable, "up")

    def __enter__(self) -> Self:
        _ip("netns", "add", self.name)
        try:
            _ip("link", "add", self._cable, "type", "veth", "peer", "name", self._far_end)
            _ip("link", "set", self._far_end, "netns", self.name)
            _ip("address", "add", f"{self.gateway}/30", "dev", self._cable)
            _ip("-n", self.name, "address", "add", f"{self.inside}/30", "dev", self._far_end)
            for words in ((self._far_end,), ("lo",)):
                _ip("-n", self.name, "link", "set", *words, "up")
            self.heal()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        for words in (("link", "del", self._cable), ("netns", "del", self.name)):
            subprocess.run(["ip", *words], capture_output=True, check=False)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
