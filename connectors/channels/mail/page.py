"""The two bodies of a mail: plain text, and an HTML page that screen readers and old mail programs can read.

Everything that came from data is escaped; styles are inline because mail programs drop style sheets; no
image, no script, nothing is fetched.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

from connectors.channels.notification import Fact, Link, Notification

_CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]"
)
_WEB = re.compile(r"https?://[^\s\x00-\x1f<>\"]+", re.I)

_FONT = "font-family:-apple-system,'Segoe UI','PingFang SC','Microsoft YaHei',Arial,sans-serif"
_TEXT = f"{_FONT};font-size:16px;line-height:1.5;color:#1a1a1a"
_CELL = "padding:6px 12px 6px 0;text-align:left;vertical-align:top;border-bottom:1px solid #d9d9d9"
_FOOTER = "margin:24px 0 0;padding-top:12px;border-top:1px solid #d9d9d9;font-size:13px;color:#595959"
_BUTTON = "display:inline-block;padding:10px 18px;margin:0 8px 8px 0;background:#0b57d0;color:#ffffff;" + (
    "text-decoration:none;border-radius:4px"
)


@dataclass(frozen=True, slots=True)
class Words:
    """The fixed words of the page in one language."""

    facts: str
    footer: str


WORDS: Mapping[str, Words] = {
    "en": Words("Details", "Sent automatically by Stagewatch. Replies to this message are not read."),
    "zh": Words("详情", "本邮件由 Stagewatch 自动发送，请勿直接回复。"),
}


def clean(text: str) -> str:
    """The text without control characters, direction overrides and broken characters; line ends are line
    feeds.
    """
    return _CONTROLS.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))


def text_page(notification: Notification) -> str:
    """The plain text body: the lines, then `label: value` for facts, then the links, then the footer."""
    parts = [clean(notification.text).strip("\n")]
    if notification.facts:
        parts.append("\n".join(f"{_line(fact.label)}: {_line(fact.value)}" for fact in notification.facts))
    if notification.links:
        parts.append("\n".join(f"{_line(link.label)}:\n{_line(link.url)}" for link in notification.links))
    parts.append(f"-- \n{_words(notification).footer}")
    return "\n\n".join(part for part in parts if part) + "\n"


def html_page(notification: Notification) -> str:
    """The HTML body: heading, paragraphs, a table of facts with row headers, links as buttons, the footer."""
    title = _escape(_line(notification.subject))
    words = _words(notification)
    body = [f'<h1 style="{_FONT};font-size:20px;line-height:1.3;margin:0 0 16px">{title}</h1>']
    body += [f'<p style="margin:0 0 12px">{_escape(line)}</p>' for line in _paragraphs(notification.text)]
    body += _fact_table(notification.facts, words)
    body += _buttons(notification.links)
    body.append(f'<p style="{_FOOTER}">{_escape(words.footer)}</p>')
    language = _escape(notification.language if notification.language.isascii() else "en")
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n'
        "</head>\n"
        f'<body style="margin:0;padding:16px;background:#ffffff;{_TEXT}">\n'
        f'<main role="main" style="max-width:600px;margin:0 auto">\n'
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def _paragraphs(text: str) -> list[str]:
    return [line for line in (part.strip() for part in clean(text).split("\n")) if line]


def _fact_table(facts: tuple[Fact, ...], words: Words) -> list[str]:
    if not facts:
        return []
    rows = [
        f'<tr><th scope="row" style="{_CELL};font-weight:600;color:#404040">{_escape(_line(fact.label))}</th>'
        f'<td style="{_CELL}">{_escape(_line(fact.value))}</td></tr>'
        for fact in facts
    ]
    caption = (
        f'<caption style="text-align:left;font-weight:600;padding:8px 0">{_escape(words.facts)}</caption>'
    )
    return [
        f'<table style="border-collapse:collapse;width:100%;margin:0 0 20px;{_TEXT}">',
        caption,
        *rows,
        "</table>",
    ]


def _buttons(links: tuple[Link, ...]) -> list[str]:
    made = [_button(link) for link in links]
    return ["<p>" + "\n".join(made) + "</p>"] if made else []


def _button(link: Link) -> str:
    label, url = _escape(_line(link.label)), _line(link.url)
    if not _WEB.fullmatch(url):
        return f"<span>{label}: {_escape(url)}</span>"
    return f'<a href="{_escape(url)}" style="{_BUTTON}">{label}</a>'


def _words(notification: Notification) -> Words:
    return WORDS.get(notification.language.lower().partition("-")[0], WORDS["en"])


def _line(text: str) -> str:
    return " ".join(clean(text).split())


def _escape(text: str) -> str:
    return html.escape(text, quote=True)
