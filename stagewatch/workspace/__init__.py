"""A workspace on disk: where its files are, how one is made, and what its files say."""

from stagewatch.workspace.paths import Workspace

__all__ = ["Workspace"]
