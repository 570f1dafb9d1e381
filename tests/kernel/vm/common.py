"""What the tests of kernels in a VM share: those that can be booted, and images that cannot."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from bpfsmt.errors import OracleError
from bpfsmt.kernel.vm import vm_oracle


def needs_vm(release: str) -> pytest.MarkDecorator:
    """Skip where this kernel cannot be booted, with what is missing; nothing is downloaded."""
    try:
        vm_oracle(release, keep=False)
    except OracleError as error:
        return pytest.mark.skipif(True, reason=str(error))
    return pytest.mark.skipif(False, reason="")


def fake_image(directory: Path, release: str, content: bytes = b"") -> Path:
    """A file with the header of a kernel image, and nothing to boot."""
    head = bytearray(0x400)
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", head, 0x20E, 0x100)
    version = f"{release} (builder@host) #1 SMP".encode() + b"\0"
    head[0x300 : 0x300 + len(version)] = version
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"vmlinuz-{release}"
    path.write_bytes(bytes(head) + content)
    return path
