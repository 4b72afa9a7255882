"""Asks servers on this machine by HTTP, as a person with a browser would. It changes nothing."""

from __future__ import annotations

import contextlib
import http
import http.client
import json
import urllib.parse
from typing import Any

SECONDS = 10.0


def text_of(url: str, **parameters: str) -> str:
    """What is answered.

    Raises:
        OSError: nobody answers, or with an error.
    """
    parts = urllib.parse.urlsplit(url)
    query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=SECONDS)
    with contextlib.closing(connection):
        try:
            connection.request("GET", parts.path + query)
            answer = connection.getresponse()
            body = answer.read().decode()
        except http.client.HTTPException as error:
            raise OSError(f"{url}: {error!r}") from error
    if answer.status != http.HTTPStatus.OK:
        raise OSError(f"{url}: {answer.status} {body}")
    return body


def json_of(url: str, **parameters: str) -> Any:
    """What is answered, as JSON. Raises OSError as `text_of`."""
    return json.loads(text_of(url, **parameters))
