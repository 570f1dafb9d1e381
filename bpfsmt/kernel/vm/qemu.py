"""QEMU: where it is, and the command that boots a kernel in it.

The machine has one CPU, emulated (TCG), so that it is the same wherever it runs; no disk and
no network; two serial ports, of which the first is the console; and memory shared with us.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bpfsmt.kernel.vm.images import Image
from bpfsmt.kernel.vm.missing import MissingError
from bpfsmt.kernel.vm.paths import cache_directory

PROGRAM = "qemu-system-x86_64"
PACKAGE = "qemu-system-x86"

MEMORY_MIB = 1024
"""The guest's memory; the host gives only as much of it as the guest touches."""

_KERNEL_COMMAND_LINE = " ".join(
    (
        "console=ttyS0",
        "quiet",
        "loglevel=5",  # warnings of the verifier about itself are worth seeing
        "panic=-1",  # a panic reboots at once, which ends QEMU
        "oops=panic",
    )
)
_LIBRARIES = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu")
_FIRMWARE = ("usr/share/qemu", "usr/share/seabios")


@dataclass(frozen=True, slots=True)
class Qemu:
    """The program with the options and the environment that it needs where it lies."""

    path: Path
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def fetched_root() -> Path:
    """Where QEMU lies if it was fetched, not installed."""
    return cache_directory() / "qemu"


def find_qemu() -> Qemu:
    """QEMU as installed, or as fetched; raises `MissingError`."""
    installed = shutil.which(PROGRAM)
    if installed is not None:
        return Qemu(Path(installed))
    root = fetched_root()
    path = root / "usr/bin" / PROGRAM
    if not path.exists():
        raise MissingError(f"no {PROGRAM}", PACKAGE, "qemu")
    libraries = ":".join(str(root / each) for each in _LIBRARIES)
    environment = {
        "LD_LIBRARY_PATH": libraries,
        "QEMU_MODULE_DIR": str(root / _LIBRARIES[0] / "qemu"),
    }
    options = tuple(word for each in _FIRMWARE for word in ("-L", str(root / each)))
    return Qemu(path, options, {**os.environ, **environment})


def command(
    qemu: Qemu, image: Image, initramfs: Path, *, line: int, shared: int, shared_bytes: int
) -> list[str]:
    """The command line; ``line`` and ``shared`` are descriptors that QEMU inherits.

    ``line`` is a connected socket for the second serial port, ``shared`` a file of
    ``shared_bytes`` (a power of 2) for the shared memory.
    """
    backend = f"id=shared,share=on,mem-path=/proc/self/fd/{shared},size={shared_bytes}"
    return [
        str(qemu.path), *qemu.options,
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-machine", "pc", "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", f"{MEMORY_MIB}M",
        "-kernel", str(image.path), "-initrd", str(initramfs), "-append", _KERNEL_COMMAND_LINE,
        "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
        "-chardev", f"socket,id=line,fd={line}", "-serial", "chardev:line",
        "-object", f"memory-backend-file,{backend}", "-device", "ivshmem-plain,memdev=shared",
    ]  # fmt: skip
