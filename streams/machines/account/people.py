"""What is remembered of people, as long as nothing that all keys share has changed.

Views of persons and who has a role follow from shared rows alone; making them anew for every alert would cost
more than the alert. It reads no rows: `directory` does.
"""

from __future__ import annotations

from schemas.directory import Person


class People:
    """persons: (person id, instant its version is in force from) -> view. listed: (field, value) -> ids of
    the persons of whom any version says so.
    """

    __slots__ = ("_changes", "listed", "persons")

    def __init__(self) -> None:
        self._changes = -1
        self.persons: dict[tuple[str, int], Person] = {}
        self.listed: dict[tuple[str, str], list[str]] = {}

    def as_of(self, changes: int) -> None:
        """Forget everything unless it was worked out after as many `changes` of shared rows."""
        if changes != self._changes:
            self._changes = changes
            self.persons.clear()
            self.listed.clear()
