"""What a trigger is: a pure automaton over the moments of one entity, in business time.

    moments (events, changes of joined entities) ─┐
    timers (its own next due instant)            ─┴─> state: open runs and episodes

The same automaton is run moment by moment as events come (the fast path) and over the whole history after
a correction, a deletion or a back-dated event (the fold); both therefore agree. A trigger never learns
about alerts, logical time or storage: it only says which *episodes* (something is wrong from `due` to
`end`) a history contains.

States are JSON-able dicts; the caller hands in a private copy and keeps what is left. `idle` states need
no row. Order at equal instants: timers due at or before a moment go first, so an absence falls due
exactly at A+N and an event at that very instant does not save it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from schemas.time import Duration

State = dict[str, Any]
Episode = dict[str, Any]
"""r: reference of the triggering event; d: due (us); x: end (us) or None; w: why it ended; i: item ("" if
none); t: type of the event that ended it.
"""


@dataclass(frozen=True, slots=True)
class Moment:
    """One happening that a watched entity's trigger may care about.

    at: business instant (us). end: the same, or the end of that day for an event of day precision. ref: the
    event's identity. type: event type, "" when only joined data changed. own: an event of the watched entity
    itself. roles: which of the trigger's named events this one is (their `where` holds).
    """

    at: int
    end: int
    ref: str
    type: str
    own: bool
    roles: frozenset[str] = frozenset()


class Env(Protocol):
    """What a trigger may ask about the instant it is judging. After a moment: with it; at a timer: before
    it.
    """

    @property
    def zone(self) -> ZoneInfo: ...

    def where(self) -> bool:
        """The rule's own `where`; False for an entity that does not exist or was deleted."""
        ...

    def is_open(self) -> bool:
        """The entity exists and its stage is open (entities without stages are open until deleted)."""
        ...

    def exists(self) -> bool: ...

    def value(self, path: tuple[str, ...]) -> object:
        """A field of the watched entity."""
        ...

    def event_value(self, path: tuple[str, ...]) -> object:
        """A field of the moment's event."""
        ...

    def stages(self) -> tuple[str | None, str | None]:
        """The entity's stage before and after the moment."""
        ...

    def decisive(self, stage: str | None) -> bool: ...

    def next_flip(self, after: int) -> int | None:
        """Earliest instant after `after` at which `where` may change by the passage of time alone."""
        ...

    def fits(self, role: str, opened: str) -> bool:
        """The moment's event also fits what the role's `where` says about the earlier event `opened`
        (`after.*`).
        """
        ...

    def happened_before(self, role: str, within: Duration | None, keys: tuple[object, ...]) -> bool:
        """An event of that role with these match values stands before the moment, in (at - within, at]."""
        ...

    def place(self) -> list[int]:
        """The order of the moment's event."""
        ...

    def last_match(self, role: str) -> tuple[int, list[int], str] | None:
        """(end, order, ref) of the latest event of that role noted for the entity, not after the instant."""
        ...

    def account_matches(self, role: str) -> tuple[int, list[int], str] | None:
        """(end, order, ref) of the latest event of that role that names only the customer, at or before the
        instant.
        """
        ...


class Trigger(Protocol):
    """One compiled trigger. `patterns` maps role -> event types; the roles of a moment are worked out by
    the caller.

    follows_entity: wants every change of the watched entity and of what its `where` reads. awaits_sources:
    its
    verdict is about something absent, so it waits for slow sources. standing: its episodes last (they are
    raised
    at enrolment and end by themselves); otherwise they are instants. shares_runs: all of its state but the
    episodes is the same whatever `where` says. judges_at_due: it asks for `where` only when a run is due.
    """

    follows_entity: bool
    awaits_sources: bool
    standing: bool
    shares_runs: bool
    judges_at_due: bool

    def on_moment(self, s: State, m: Moment, env: Env) -> None: ...

    def on_timer(self, s: State, t: int, env: Env) -> None: ...

    def next_timer(self, s: State) -> int | None: ...

    def open_runs(self, s: State) -> frozenset[str]:
        """References of the events that opened what is under way: runs, pending conditions, live episodes."""
        ...

    def late_is_harmless(self, s: State, m: Moment) -> bool:
        """A moment older than the newest one seen cannot change anything (no episode may lie behind it)."""
        ...


def open_episode(s: State, ref: str, due: int, item: str = "") -> None:
    """Begin an episode with triggering event `ref` at `due` us."""
    s.setdefault("eps", []).append({"r": ref, "d": due, "x": None, "w": None, "i": item})


def live_episodes(s: State) -> list[Episode]:
    """Episodes that have not ended."""
    return [e for e in s.get("eps", ()) if e["x"] is None]


def end_episodes(
    s: State, at: int, why: str, ref_type: str = "", only: Callable[[Episode], bool] | None = None
) -> None:
    """End all live episodes (or those that `only` picks) at `at` us for the Reason `why`."""
    for episode in s.get("eps", ()):
        if episode["x"] is None and (only is None or only(episode)):
            episode["x"], episode["w"] = max(at, episode["d"]), why
            if ref_type:
                episode["t"] = ref_type


def drop_episodes(s: State, only: Callable[[Episode], bool]) -> None:
    """Forget episodes that turn out never to have been."""
    if "eps" in s:
        s["eps"] = [e for e in s["eps"] if not only(e)]


def match_values(
    env: Env, fields: Sequence[tuple[str, ...]], read: Callable[[tuple[str, ...]], object] | None = None
) -> list[object]:
    """The values that two events must share, as JSON text-comparable scalars."""
    reader = read or env.event_value
    return [str(v) if v is not None else None for v in map(reader, fields)]


def earliest(*instants: int | None) -> int | None:
    """The least of the given instants, None counting as never."""
    return min((i for i in instants if i is not None), default=None)


Roles = Mapping[str, frozenset[str]]
"""role -> event types that may have it."""
