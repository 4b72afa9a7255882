"""The pages that a link in a message opens, in Chinese and English: the decision, and what came of it.

Plain HTML in one file: no script, nothing from elsewhere, readable with a screen reader and on a phone.
Everything that comes from data is escaped here. Nothing is decided here.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from starlette.responses import HTMLResponse

from console.texts import ASK, BUTTON, MAX_COMMENT, RESULTS, STATES, WORDS, Language

STYLE: Final = (
    "body{font:1rem/1.6 system-ui,sans-serif;max-width:38rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;"
    "background:#fff}h1{font-size:1.4rem}dt{font-weight:600}dd{margin:0 0 .5rem}"
    "label{display:block;font-weight:600}"
    "textarea{width:100%;box-sizing:border-box;font:inherit;padding:.5rem;border:1px solid #595959}"
    "button{font:inherit;font-weight:600;margin-top:1rem;padding:.7rem 1.6rem;color:#fff;background:#0b5394;"
    "border:2px solid #0b5394;border-radius:4px}button:focus,textarea:focus{outline:3px solid #b45f06}"
    "@media(prefers-color-scheme:dark){body{color:#f0f0f0;background:#16181b}"
    "textarea{color:#f0f0f0;background:#22262b;border-color:#a0a0a0}}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the address holds the token
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Deed:
    """Who did what and when (us), as far as it is known."""

    state: str | None = None
    by: str | None = None
    at: int | None = None


def ask(action: str, title: str, facts: Mapping[str, str], language: Language) -> HTMLResponse:
    """The page that shows what is to be decided, with a form that decides it. Opening it changes nothing."""
    shown = _facts({WORDS["what"][language]: title, **facts}) if title or facts else ""
    body = (
        f"<h1>{ASK[action][language]}</h1>{shown}"
        f'<form method="post"><label for="c">{WORDS["comment"][language]}</label>'
        f'<textarea id="c" name="comment" rows="4" maxlength="{MAX_COMMENT}"></textarea>'
        f'<button type="submit">{BUTTON[action][language]}</button></form>'
    )
    return _page(ASK[action][language], body, language, 200)


def result(name: str, language: Language | None, deed: Deed, zone: ZoneInfo) -> HTMLResponse:
    """The page that says what came of it. Without a language (a broken link tells none) it says it in
    both.
    """
    status, texts = RESULTS[name]
    if language is not None:
        heading, text = texts[language]
        body = f"<h1>{heading}</h1><p>{text}</p>{_deed(deed, zone, language)}"
        return _page(heading, body, language, status)
    parts = [f'<section lang="{tag(key)}"><h1>{h}</h1><p>{t}</p></section>' for key, (h, t) in texts.items()]
    return _page(" / ".join(h for h, _ in texts.values()), "".join(parts), "zh", status)


def tag(language: Language) -> str:
    """The language tag for HTML."""
    return "zh-CN" if language == "zh" else "en"


def _deed(deed: Deed, zone: ZoneInfo, language: Language) -> str:
    facts: dict[str, str] = {}
    if deed.state:
        facts[WORDS["state"][language]] = STATES.get(deed.state, {}).get(language, deed.state)
    if deed.by:
        facts[WORDS["by"][language]] = deed.by
    if deed.at is not None:
        moment = dt.datetime.fromtimestamp(deed.at // 1_000_000, zone)
        facts[WORDS["at"][language]] = f"{moment:%Y-%m-%d %H:%M} ({zone.key})"
    return _facts(facts) if facts else ""


def _facts(facts: Mapping[str, str]) -> str:
    return "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts.items()) + "</dl>"


def _page(title: str, body: str, language: Language, status: int) -> HTMLResponse:
    html = (
        f'<!doctype html><html lang="{tag(language)}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)} - Stagewatch</title><style>{STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>"
    )
    return HTMLResponse(html, status, dict(HEADERS))
