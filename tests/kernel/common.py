"""What the tests that ask the running kernel share."""

from __future__ import annotations

import os

import pytest

from bpfsmt.kernel import available
from bpfsmt.program import Program, load_asm

needs_bpf = pytest.mark.skipif(bool(WHY := available()), reason=WHY or "")


def asm(text: str, name: str = "test") -> Program:
    return load_asm(text, name)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))
