"""What a worker sends of its files, whenever they change and however long what was sent is under way."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stagewatch.service.opening import Files
from stagewatch.settings import Settings
from stagewatch.worker.files import AGAIN_SECONDS, PATIENCE_SECONDS, TRIES, Comparison
from stagewatch.workspace.rulefiles import RuleFiles, RuleText
from streams.machines.account.world import DEFAULT_SETTINGS
from streams.runtimes.pipeline import Entry

STEP = 2.0
LOOKS = int(3 * (AGAIN_SECONDS + PATIENCE_SECONDS) / STEP)


def files(text: str) -> Files:
    """Files with one rule."""
    return Files(Settings(), RuleFiles([RuleText("r", text, Path("r.yaml"))]), None)


class Log:
    """What was sent and what of it is in force; a refused text never is."""

    def __init__(self, text: str, refused: str = "") -> None:
        self.now, self.sent = 0.0, 0
        self.text, self.refused = text, refused
        self.under_way: deque[str] = deque()
        self.comparison = Comparison(files(text))

    def shared(self, bucket: str) -> Mapping[str, Any]:
        if bucket == "settings":
            return {"": {**DEFAULT_SETTINGS, **Settings().shared()}}
        return {"r": {"text": self.text, "on": True}} if bucket == "rule" else {}

    def look(self) -> None:
        """As a worker does every two seconds."""
        self.now += STEP
        if self.comparison.due(self.now):
            entries = self.comparison.missing(self.shared, 0, self.now)
            self.under_way.extend(self._text(entry) for entry in entries)
            if entries:
                self.sent += len(entries)
                self.comparison.sent(self.now)

    def take(self) -> None:
        """The partition comes to the next that was sent."""
        if self.under_way and (text := self.under_way.popleft()) != self.refused:
            self.text = text

    @staticmethod
    def _text(entry: Entry) -> str:
        assert entry.value["what"] == "rule"
        return str(entry.value["text"])


def test_changed_and_changed_back_while_under_way_ends_as_the_file_reads() -> None:
    log = Log("a")
    log.comparison.read(files("b"))
    log.look()
    log.comparison.read(files("a"))
    log.look()
    assert list(log.under_way) == ["b"]
    log.take()
    log.look()
    log.take()
    assert (log.text, log.sent) == ("a", 2)


moves = st.lists(
    st.one_of(
        st.sampled_from("abc").map(lambda text: ("edit", text)),
        st.sampled_from("abc").map(lambda text: ("another worker", text)),
        st.just(("look", "")),
        st.just(("take", "")),
    ),
    max_size=40,
)


@given(moves)
def test_in_the_end_the_files_are_in_force(made: list[tuple[str, str]]) -> None:
    log, file = Log("a"), "a"
    for what, text in made:
        if what == "edit":
            file = text
            log.comparison.read(files(text))
        elif what == "another worker":
            log.under_way.append(text)
        elif what == "look":
            log.look()
        else:
            log.take()
    for _ in range(LOOKS):
        log.take()
        log.look()
    assert (log.text, list(log.under_way)) == (file, [])


def test_what_is_refused_is_not_sent_for_ever() -> None:
    log = Log("a", refused="b")
    log.comparison.read(files("b"))
    for _ in range(10 * LOOKS):
        log.look()
        log.take()
    assert log.sent == TRIES
    log.comparison.read(files("c"))
    log.look()
    log.take()
    assert log.text == "c"
