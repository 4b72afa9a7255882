"""`stagewatch init` and `stagewatch status`."""

from __future__ import annotations

from pathlib import Path

from stagewatch.commands.output import put_json, say
from stagewatch.workspace.init import init_workspace


def init(root: Path, as_json: bool) -> int:
    """Make a workspace and say what to do next."""
    written = [str(path.relative_to(root)) for path in init_workspace(root)]
    if as_json:
        put_json({"workspace": str(root), "written": written})
        return 0
    say(f"Made the workspace {root}:")
    for name in written:
        say(f"  {name}")
    say()
    say("Next:")
    say(f"  edit {root}/people.yaml         who is told, who approves")
    say(f"  stagewatch rules list -w {root}  the rules that are shipped")
    say(f"  stagewatch import -w {root} ...  bring history in: nobody is told about the past")
    say(f"  stagewatch run -w {root}         take events from now on")
    return 0
