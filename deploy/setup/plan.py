"""Decides what the set-up of a machine needs. Pure: it looks at nothing, `probe.py` does."""

from __future__ import annotations

import re
from dataclasses import dataclass

COMPILED = "durable-rules"
"""The one locked package that comes as source and is compiled on the machine."""

SERVERS = {
    "redis-server": "redis-server",
    "promtool": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "mvn": "maven",
    "java": "default-jre-headless",
    "ip": "iproute2",
}
"""Command -> the Debian package that brings it: real servers for the tests and for a cluster on one machine.
Stagewatch itself needs none of them."""


@dataclass(frozen=True)
class Facts:
    """What a machine has, as seen by the Python that makes `.venv`.

    `version` is like `3.11`; `debian_python` means that Debian's packages extend this Python; `compiler` that
    one is there and finds the C library; `headers` that Python's own are there; `apt` that apt-get is;
    `absent` names the commands of SERVERS that are not there, `services` that installed servers get started.
    """

    version: str
    debian_python: bool
    ensurepip: bool
    pip: bool
    compiler: bool
    headers: bool
    root: bool
    apt: bool
    absent: tuple[str, ...] = ()
    services: bool = False


@dataclass(frozen=True)
class Plan:
    """Debian packages to `install` now or to `advise`; whether `.venv` and COMPILED can be had without.

    `servers` and `extras` are packages to install or to advise that only some tests and a local cluster need;
    where an installed server would be started and listen, they are only advised.
    """

    install: tuple[str, ...]
    advise: tuple[str, ...]
    venv: bool
    compiled: bool
    servers: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()


def make_plan(facts: Facts) -> Plan:
    """Decides from `facts` alone which Debian packages are needed and what works without them.

    >>> make_plan(Facts("3.11", True, False, False, True, True, root=False, apt=True)).advise
    ('python3.11-venv',)
    """
    wanted: list[str] = []
    if facts.debian_python and not facts.ensurepip:
        wanted.append(f"python{facts.version}-venv")
    if not facts.compiler:
        wanted += ["gcc", "libc6-dev"]
    if facts.debian_python and not facts.headers:
        wanted.append(f"python{facts.version}-dev")
    may_install = facts.root and facts.apt
    servers = tuple(SERVERS[command] for command in facts.absent)
    quiet = may_install and not facts.services
    return Plan(
        install=tuple(wanted) if may_install else (),
        advise=() if may_install else tuple(wanted),
        venv=facts.ensurepip or facts.pip,
        compiled=facts.compiler and facts.headers,
        servers=servers if quiet else (),
        extras=() if quiet else servers,
    )


def command_for(packages: tuple[str, ...], *, sudo: bool) -> str:
    """The one command that a person runs to install Debian `packages`, with `sudo` or else `su`."""
    script = f"apt-get update && apt-get install -y --no-install-recommends {' '.join(packages)}"
    return f"sudo sh -c '{script}'" if sudo else f"su -c '{script}'"


def without(lock: str, package: str) -> str:
    r"""The text of a lock file without `package` and its hashes.

    >>> without("a==1 \\\n    --hash=sha256:0\nb==2 \\\n    --hash=sha256:1\n", "a")
    'b==2 \\\n    --hash=sha256:1\n'
    """
    return re.sub(rf"(?m)^{re.escape(package)}==.*\n(?:[ \t]+.*\n)*", "", lock)
