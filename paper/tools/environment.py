"""Where and of what something is measured: the machine, the versions, the text of the sources."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SOURCES = (
    "bpfsmt", "bench_programs", "tests/cli/planted_bug.py", "tests/cli/carry.bpfasm",
    "tests/kernel/logs/programs",
)  # fmt: skip
"""What a measurement depends on, besides its command."""


def environment() -> dict[str, str | int]:
    """The machine and the versions, as the paper's section on the set-up prints them."""
    return {
        "bpfsmt": _version(),
        "python": platform.python_version(),
        "z3": metadata.version("z3-solver"),
        "kernel": platform.release(),
        "cpu": _cpu(),
        "cores": os.cpu_count() or 1,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
    }


def _version() -> str:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line)
    return next(names, platform.machine())


@cache
def sources(root: Path = ROOT) -> str:
    """A hash of all that is measured: the same text gives the same, committed or not."""
    digest = hashlib.sha256()
    for name in SOURCES:
        for path in sorted([root / name, *(root / name).rglob("*")]):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(root)).encode() + b"\0")
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def commit() -> str:
    """The commit that is checked out, ``+`` if the sources differ from it; or ``unknown``."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        return head + ("+" if _git("status", "--porcelain", "--", *SOURCES) else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*args: str) -> str:
    done = subprocess.run(["git", *args], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
