"""What all tests share: who may open sockets, how hypothesis searches, what a bare machine leaves out.

Only what concerns every folder belongs here; fixtures live beside the tests that use them.
"""

import importlib.util
import os
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
collect_ignore_glob = [] if HAS_DURABLE else ["*/test_durable*.py"]


def pytest_report_header() -> list[str]:
    """Names what is left out where durable-rules could not be compiled (see `make setup`)."""
    return [] if HAS_DURABLE else ["left out: tests/**/test_durable*.py, as durable-rules is not installed"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks each test by its folder: no sockets, or only those of this machine."""
    for item in items:
        if any(item.path.is_relative_to(HERE / folder) for folder in LOCAL_ONLY):
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1", "::1"]))
        else:
            item.add_marker(pytest.mark.disable_socket)
