"""What starting costs: a command imports what it needs, and the flat API when it is used."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

import bpfsmt
from bpfsmt import api
from bpfsmt.cli import MODULES, main

HEAVY = ("bpfsmt.crosscheck", "bpfsmt.kernel", "bpfsmt.machine", "bpfsmt.verifier", "networkx")


def loaded_by(code: str) -> set[str]:
    """The modules of a fresh Python after ``code``."""
    code += "\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_the_command_line_alone_imports_no_command() -> None:
    ours = {m for m in loaded_by("import bpfsmt.cli") if m.startswith("bpfsmt")}
    assert ours == {"bpfsmt", "bpfsmt.cli", "bpfsmt.cli.boundary", "bpfsmt.errors"}


def test_proofs_wait_for_neither_verifier_nor_machine() -> None:
    proved = "prove", "tnum_and", "--no-cache", "--jobs", "1"
    loaded = loaded_by(f"from bpfsmt.cli import main\nmain({proved}, standalone_mode=False)")
    assert "bpfsmt.prover.prove" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_that_these_are_what_other_commands_import() -> None:
    assert loaded_by("import bpfsmt.cli.crosscheck").issuperset(HEAVY)


@pytest.mark.parametrize("name", MODULES)
def test_every_command_is_found_under_its_own_name(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.name == name


def test_no_command_is_found_under_another_name() -> None:
    assert main.get_command(click.Context(main), "machine_check") is None
    assert list(MODULES) == sorted(MODULES)


def test_the_flat_api_is_that_of_its_module() -> None:
    for name in api.__all__:
        if name != "crosscheck":
            assert getattr(bpfsmt, name) is getattr(api, name)
    assert set(api.__all__) <= set(dir(bpfsmt))
    with pytest.raises(AttributeError, match="module 'bpfsmt' has no attribute 'nosuch'"):
        _ = bpfsmt.nosuch  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "first",
    ["import bpfsmt", "from bpfsmt.crosscheck.finding import Status", "from bpfsmt import verify"],
)
def test_crosscheck_can_be_called_whatever_was_imported_first(first: str) -> None:
    code = f"""
{first}
import bpfsmt
program = bpfsmt.load_asm("r0 = 0\\nexit", "zero")
assert bpfsmt.crosscheck(program, "xdp-paper", timeout=20).exit_code == 0
from bpfsmt import crosscheck
assert crosscheck is bpfsmt.crosscheck
from bpfsmt.crosscheck.report import Report
"""
    assert "bpfsmt.crosscheck.run" in loaded_by(code)
