"""What all tests share: who may open sockets, how hypothesis searches, what a bare machine leaves out.

Only what concerns every folder belongs here; fixtures live beside the tests that use them.
"""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

HERE = Path(__file__).parent

LOCAL_ONLY = {"integration", "e2e"}
"""Folders whose tests may reach servers on this machine; all others may open no socket at all."""

settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "dev"))

HAS_DURABLE = importlib.util.find_spec("durable_rules_engine") is not None
LEFT_OUT = {
    "test_durable*.py": () if HAS_DURABLE else ("durable-rules",),
    "test_redis*.py": () if shutil.which("redis-server") else ("redis-server",),
    "test_prometheus*.py": () if shutil.which("promtool") else ("promtool",),
    "test_compose*.py": () if shutil.which("go") else ("go",),
    "test_alertmanager*.py": () if shutil.which("amtool") else ("amtool",),
}
"""Pattern of test files -> what they need and this machine lacks (see `make setup`)."""

PARTS_LEFT_OUT = {
    "the network that is cut in test_soak.py": ""
    if os.geteuid() == 0 and shutil.which("ip")
    else "only root with iproute2 may make network namespaces",
    "tests/**/test_full_disk.py": "" if os.geteuid() == 0 else "only root may mount a small disk",
}
"""Parts of tests -> why this machine does without them."""

collect_ignore_glob = [f"*/{pattern}" for pattern, lacking in LEFT_OUT.items() if lacking]
if os.geteuid() != 0:
    collect_ignore_glob.append("*/test_full_disk.py")


def pytest_report_header() -> list[str]:
    """Names what is left out on this machine."""
    files = [
        f"left out: tests/**/{pattern}, as {lacking[0]} is not installed"
        for pattern, lacking in LEFT_OUT.items()
        if lacking
    ]
    return [*files, *(f"left out: {part}: {why}" for part, why in PARTS_LEFT_OUT.items() if why)]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks each test by its folder: no sockets, or only those of this machine."""
    for item in items:
        if any(item.path.is_relative_to(HERE / folder) for folder in LOCAL_ONLY):
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1", "::1"]))
        else:
            item.add_marker(pytest.mark.disable_socket)
