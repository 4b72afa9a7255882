"""What a rule does, compiled: whom it tells, what it gives to do, what is decided by which steps.

Templates are parsed with the types of the rule's fields. It must not send or decide anything.
"""

from __future__ import annotations

from collections.abc import Mapping

from rules.document import ApprovalDoc, NotifyDoc, RuleDoc, TaskDoc
from rules.templates import Template, parse
from schemas.fields import FieldType, field_type
from streams.machines.account.rulebook import ApprovalAction, NotifyAction, TaskAction


def _template(text: str | None, doc: RuleDoc, declared: Mapping[str, FieldType]) -> Template | None:
    if text is None:
        return None

    def type_of(path: str) -> FieldType | None:
        if path in ("due", "silence"):
            return FieldType.INSTANT if path == "due" else FieldType.DURATION
        parts = tuple(path.split("."))
        return field_type(
            doc.watch, parts[1:] if parts[0] == doc.watch and len(parts) > 1 else parts, declared
        )

    return parse(text, type_of)


def notify(action: NotifyDoc, doc: RuleDoc, declared: Mapping[str, FieldType]) -> NotifyAction:
    """Whom to tell, in which words."""
    subject, text = _template(action.subject, doc, declared), _template(action.text, doc, declared)
    return NotifyAction(action.to, action.via, subject, text)


def task(action: TaskDoc, doc: RuleDoc, declared: Mapping[str, FieldType]) -> TaskAction:
    """What to give whom to do."""
    title = _template(action.title, doc, declared)
    if title is None:
        raise AssertionError("a task has a title")
    return TaskAction(action.to, action.via, title, action.due)


def approval(action: ApprovalDoc, doc: RuleDoc, declared: Mapping[str, FieldType]) -> ApprovalAction:
    """What is decided, by which steps."""
    chain = tuple(("any", s.any) if s.any is not None else ("all", s.all or ()) for s in action.chain)
    subject = _template(action.subject, doc, declared)
    return ApprovalAction(action.of, chain, action.via, action.timeout, action.on_timeout, subject)
