"""The image: what is locked and nothing else, run by nobody; health check; variables of the compose file."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from deploy.docker.compose import FILE, ComposeError, filled
from tests.integration.operations.known import HOME

DOCKER = HOME / "deploy" / "docker"


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile: (word, rest)."""
    text = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines if line.strip())]


def runtime() -> list[tuple[str, str]]:
    """The instructions of the last stage."""
    found = instructions()
    last = max(number for number, (word, _) in enumerate(found) if word == "FROM")
    return found[last:]


def test_the_image_that_runs_is_nobodys_and_has_no_compiler() -> None:
    users = [rest for word, rest in runtime() if word == "USER"]
    assert users == ["10001:10001"]
    assert not any("apt-get" in rest or "pip" in rest for word, rest in runtime() if word == "RUN")
    after = [word for word, _ in runtime()]
    assert after.index("USER") < after.index("ENTRYPOINT")


def test_packages_come_with_their_hashes() -> None:
    installs = [
        part
        for word, rest in instructions()
        if word == "RUN"
        for part in rest.split("&&")
        if "pip install" in part
    ]
    assert len(installs) == 3
    for command in installs:
        assert "--require-hashes" in command or command.rstrip().endswith("--no-deps --no-build-isolation .")
    assert all("://" not in rest for _, rest in instructions())


def copied() -> list[str]:
    return [
        source
        for word, rest in instructions()
        if word == "COPY" and "--from=" not in rest
        for source in rest.split()[:-1]
    ]


def test_what_is_copied_is_there_and_sent() -> None:
    lines = (HOME / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert [source for source in copied() if not (HOME / source).exists()] == []
    assert sorted(copied()) == sorted(sent)


def test_every_package_is_in_the_image() -> None:
    shipped = re.search(r"^include = \[(.*)\]$", (HOME / "pyproject.toml").read_text(), re.MULTILINE)
    assert shipped is not None
    patterns = re.findall(r'"(\w+\*)"', shipped[1])
    packages = {path.parent.name for path in HOME.glob("*/__init__.py")}
    needed = {name for name in packages if any(fnmatch(name, pattern) for pattern in patterns)}
    assert needed
    assert needed <= set(copied())


class Health(BaseHTTPRequestHandler):
    """Says 200 to /healthz."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Health) as made:
        thread = Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def checked(*ports: int) -> int:
    command = [sys.executable, "-I", str(DOCKER / "healthy.py"), *map(str, ports)]
    return subprocess.run(command, check=False, timeout=20).returncode


def test_the_health_check_sees_who_answers(server: HTTPServer) -> None:
    port = server.server_address[1]
    closed = HTTPServer(("127.0.0.1", 0), Health)
    closed.server_close()
    assert checked(closed.server_address[1], port) == 0
    assert checked(closed.server_address[1]) == 1
    Health.status = 503
    assert checked(port) == 1
    Health.status = 200


def test_the_health_check_is_the_images() -> None:
    [check] = [rest for word, rest in runtime() if word == "HEALTHCHECK"]
    [target] = [rest.split()[1] for word, rest in runtime() if word == "COPY" and "healthy.py" in rest]
    assert target in check
    [exposed] = [rest for word, rest in runtime() if word == "EXPOSE"]
    assert all(f'"{port}"' in check for port in exposed.split())


def test_variables_are_put_in_as_compose_does() -> None:
    assert filled("${A} ${B:-x} ${C:-}|", {"A": "1"}) == "1 x |"
    assert filled("${B:-x}", {"B": "2"}) == "2"
    with pytest.raises(ComposeError, match="STAGEWATCH_SECRET is needed"):
        filled(FILE.read_text(encoding="utf-8"), {})


def test_the_readme_of_the_compose_file_is_true() -> None:
    text = FILE.read_text(encoding="utf-8")
    said = re.findall(r":(\d{4})", text.partition("\nname:")[0])
    opened = re.findall(r'"127\.0\.0\.1:(\d+):', text)
    assert sorted(said) == sorted(opened)
    assert Path(FILE).name == "docker-compose.yml"
