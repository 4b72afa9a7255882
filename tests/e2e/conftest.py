"""A `curl` for the examples of the pages, where the machine has none: what they use of it."""

import os
import shutil
import sys
from pathlib import Path

import pytest

CURL = """#!{python}
import argparse, time, urllib.error, urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("url")
parser.add_argument("-H", dest="headers", action="append", default=[])
parser.add_argument("--data-binary")
parser.add_argument("--retry", type=int, default=0)
parser.add_argument("--retry-delay", type=float, default=1)
parser.add_argument("--retry-connrefused", action="store_true")
parser.add_argument("-s", action="store_true")
parser.add_argument("-S", action="store_true")
parser.add_argument("-i", action="store_true")
given = parser.parse_args()
data = open(given.data_binary[1:], "rb").read() if given.data_binary else None
headers = dict(header.split(": ", 1) for header in given.headers)
request = urllib.request.Request(given.url, data, headers)
while True:
    try:
        answer = urllib.request.urlopen(request)
    except urllib.error.HTTPError as error:
        answer = error
    except urllib.error.URLError:
        if not given.retry:
            raise
        given.retry -= 1
        time.sleep(given.retry_delay)
        continue
    print(answer.read().decode())
    break
"""


@pytest.fixture(autouse=True)
def _curl(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("curl") is None:
        folder: Path = tmp_path_factory.mktemp("bin")
        tool = folder / "curl"
        tool.write_text(CURL.format(python=sys.executable), encoding="utf-8")
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
