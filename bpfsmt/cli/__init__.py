"""The command line: a thin layer over the Python API, one module for each command.

A command's module is imported when the command is used, so that none waits for what only others
need; the group's ``--help`` imports them all.
"""

from __future__ import annotations

from importlib import import_module

import click

from bpfsmt.cli.boundary import Boundary

MODULES = {
    "agree": "agree",
    "asm": "text",
    "bench": "bench",
    "cfg": "cfg",
    "crosscheck": "crosscheck",
    "diff": "diff",
    "disasm": "text",
    "explain": "explain",
    "fuzz": "fuzz",
    "generate": "generate",
    "machine-check": "machine_check",
    "museum": "museum",
    "mutate": "mutate",
    "oracles": "oracles",
    "precision": "precision",
    "prove": "prove",
    "record": "record",
    "replay": "replay",
    "rules": "rules",
    "run": "run",
    "selftests": "selftests",
    "supported": "supported",
    "verify": "verify",
}
"""Each command with the module of this package in which a function of its name is it."""


class _Commands(Boundary):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in MODULES:
            return None
        module = import_module(f"bpfsmt.cli.{MODULES[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bpfsmt")
def main() -> None:
    """Is what an eBPF verifier believes about a program true?"""


__all__ = ["main"]
