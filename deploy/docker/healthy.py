"""The health check of the image: exit code 0 when a process answers /healthz on one of the ports given.

Uses the standard library only, and says nothing about readiness: that is for whoever sends events.
"""

from __future__ import annotations

import http.client
import sys

SECONDS = 2.0


def healthy(port: int) -> bool:
    """Whether /healthz on this machine's `port` says 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if any(healthy(int(port)) for port in sys.argv[1:]) else 1)
