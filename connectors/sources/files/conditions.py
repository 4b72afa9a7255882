"""The `when` of a mapping as a function of a row's texts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from connectors.sources.files.mapping import Matcher, When
from connectors.sources.files.mapping_check import matched_texts

Texts = Mapping[str, str | None]
Condition = Callable[[Texts], bool]


def condition(when: When) -> Condition | None:
    """Whether a row's texts fulfil every line of `when`; None when there is nothing to fulfil.

    A text or a list: the cell is (one of) it; null: the cell is empty; `{not: ...}`: it is none of these
    (an empty cell is none of them); `{empty: true}`: it is empty.
    """
    if not when:
        return None
    tests = [(name, *_wanted(matcher)) for name, matcher in when.items()]

    def holds(texts: Texts) -> bool:
        return all((texts[name] in wanted) == inside for name, wanted, inside in tests)

    return holds


def _wanted(matcher: object) -> tuple[frozenset[str | None], bool]:
    if isinstance(matcher, Matcher):
        if matcher.empty is not None:
            return frozenset([None]), matcher.empty
        return _wanted(matcher.is_not)[0], False
    atoms = matcher if isinstance(matcher, list) else [matcher]
    wanted: set[str | None] = set(matched_texts(atoms))
    return frozenset(wanted | {None} if None in atoms else wanted), True
