"""Programs to write into files, and the command line run in this process."""

from __future__ import annotations

import struct
from pathlib import Path

from click.testing import CliRunner, Result

from bpfsmt.cli import main

HERE = Path(__file__).parent
PLANTED_BUG = HERE / "planted_bug.py"
CARRY = HERE / "carry.bpfasm"

ACCEPTED = "r0 = 2\nexit\n"
REJECTED = "exit\n"  # R0 was never written: true
UNSUPPORTED = ".type socket_filter\nr6 = r1\nr0 = *(u8 *)skb[0]\nexit\n"
X86_OBJECT = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, 0,
                                                             0, 64, 0, 0, 64, 0, 0)  # fmt: skip


def bpfsmt(*args: str | Path) -> Result:
    """Run a command; quick options where they exist."""
    return CliRunner().invoke(main, [str(arg) for arg in args])


def crosscheck(*args: str | Path) -> Result:
    """Run ``crosscheck`` without measuring."""
    return bpfsmt("crosscheck", "--no-precision", *args)


def written(folder: Path, name: str, text: str) -> Path:
    """A file with this text."""
    path = folder / name
    path.write_text(text)
    return path
