"""What a measurement needs or takes besides Python, and why this machine may not have it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cached_property
from pathlib import Path

from paper.tools.environment import ROOT

TREE = "BPFSMT_KERNEL_TREE"
"""The environment variable with the source tree of a Linux kernel, for its selftests."""


CAMPAIGNS = "BPFSMT_CAMPAIGNS"
"""The environment variable with the directory where campaigns keep what is finished, each in
NAME.sqlite: a measurement goes on from there, and adds to it."""


class Needs:
    """Asks for the running kernel, virtual machines and a kernel tree, each once."""

    @cached_property
    def _oracles(self) -> dict[str, str]:
        """Of each kernel that cannot be asked here the reason, of others ""."""
        command = [sys.executable, "-m", "bpfsmt", "oracles", "--json"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        try:
            found = json.loads(done.stdout)
        except ValueError:
            return {}
        return {o["name"]: o["missing"] or "" for o in found}

    def missing(self, need: str) -> str:
        """Why it is not to be had; "" if it is, or if nothing is needed."""
        if not need:
            return ""
        if need == "tree":
            tree = os.environ.get(TREE, "")
            there = bool(tree) and Path(tree, "tools/testing/selftests/bpf").is_dir()
            return "" if there else f"no kernel tree: {TREE} names none"
        return self._oracles.get(need, f"no oracle {need}")

    def fill(self, arguments: str) -> str:
        """The arguments with the kernel tree's path in them."""
        return arguments.replace("KERNEL_TREE", os.environ.get(TREE, "KERNEL_TREE"))

    def saved(self, name: str, option: str) -> list[str]:
        """The words that name a campaign's file; none without a directory for them."""
        directory = os.environ.get(CAMPAIGNS, "")
        if not (option and directory):
            return []
        return [option, str(Path(directory).resolve() / f"{name}.sqlite")]
