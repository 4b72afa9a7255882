"""Rules have tests in a language of their own: `NAME.test.yaml` beside the rules.

    document.py   what a test file may say      load.py      text -> Suite, with places
    instants.py   `7d - 1us`, local times       compare.py   expected against what came out, with a diff

The runner is handed in (`Runner`): this package parses and judges. It must not run an engine, read a file or
a clock.
"""

from rules.testing.compare import Outcome, compare
from rules.testing.load import Job, Suite, load_suite
from rules.testing.run import Result, Runner, run_suite

__all__ = ["Job", "Outcome", "Result", "Runner", "Suite", "compare", "load_suite", "run_suite"]
