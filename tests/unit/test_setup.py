"""What the set-up decides on each kind of machine. The steps themselves are tried by `make setup`."""

import re
from dataclasses import replace

from deploy.setup.plan import COMPILED, Facts, Plan, command_for, make_plan, without

FULL = Facts(
    "3.11", debian_python=True, ensurepip=True, pip=True, compiler=True, headers=True, root=False, apt=True
)
BARE = replace(FULL, ensurepip=False, pip=False, compiler=False, headers=False)
ALL_MISSING = ("python3.11-venv", "gcc", "libc6-dev", "python3.11-dev")

LOCK = """\
# made by: make lock
durable-rules==2.0.28 \\
    --hash=sha256:00
durable-rules-extra==1 \\
    --hash=sha256:11 \\
    --hash=sha256:22
"""


def test_full_machine_needs_nothing() -> None:
    assert make_plan(FULL) == Plan((), (), venv=True, compiled=True)


def test_bare_machine_installs_as_root() -> None:
    plan = make_plan(replace(BARE, root=True))
    assert (plan.install, plan.advise) == (ALL_MISSING, ())


def test_bare_machine_advises_everybody_else() -> None:
    assert make_plan(BARE) == Plan((), ALL_MISSING, venv=False, compiled=False)


def test_root_without_apt_is_advised_too() -> None:
    assert make_plan(replace(BARE, root=True, apt=False)).advise == ALL_MISSING


def test_pip_alone_is_enough_for_the_environment() -> None:
    plan = make_plan(replace(FULL, ensurepip=False))
    assert plan.venv
    assert plan.advise == ("python3.11-venv",)


def test_debian_packages_do_not_extend_another_python() -> None:
    plan = make_plan(replace(BARE, debian_python=False))
    assert plan.advise == ("gcc", "libc6-dev")
    assert not plan.compiled


def test_servers_are_installed_where_nothing_would_start_them() -> None:
    absent = replace(FULL, absent=("promtool", "java"), root=True)
    packages = ("prometheus", "default-jre-headless")
    plan = make_plan(absent)
    assert (plan.servers, plan.extras, plan.install, plan.advise) == (packages, (), (), ())
    for facts in (replace(absent, services=True), replace(absent, root=False), replace(absent, apt=False)):
        plan = make_plan(facts)
        assert (plan.servers, plan.extras) == ((), packages)
    assert plan.venv
    assert plan.compiled


def test_command_is_one_line() -> None:
    install = "apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev"
    assert command_for(("gcc", "libc6-dev"), sudo=True) == f"sudo sh -c '{install}'"
    assert command_for(("gcc", "libc6-dev"), sudo=False) == f"su -c '{install}'"


def test_left_out_package_takes_its_hashes_along_and_nothing_else() -> None:
    left = without(LOCK, COMPILED)
    assert re.findall("sha256:([0-9]+)", left) == ["11", "22"]
    assert left.startswith("# made by: make lock\ndurable-rules-extra==1")
