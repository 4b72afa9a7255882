"""The examples in docstrings hold: every module of the project is imported and its examples are run.

It must not hold tests of its own; those have files of their own.
"""

import doctest
import importlib
import importlib.util
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2]
FOLDERS = ("schemas", "rules", "streams", "connectors", "console", "stagewatch", "deploy")
HAS_DURABLE = importlib.util.find_spec("durable_rules_engine") is not None


def module_names() -> list[str]:
    """Dotted names of all modules that can be imported on this machine, programs (`__main__`) excepted."""
    files = (path for folder in FOLDERS for path in (HOME / folder).rglob("*.py"))
    dotted = (".".join(path.relative_to(HOME).with_suffix("").parts) for path in files)
    names = sorted(name.removesuffix(".__init__") for name in dotted if not name.endswith("__main__"))
    return [name for name in names if HAS_DURABLE or "durable" not in name]


@pytest.mark.parametrize("name", module_names())
def test_examples_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
