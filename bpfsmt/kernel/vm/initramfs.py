"""The whole user space of the guest: an archive with one static program, compiled here.

Format of the archive: cpio "newc" (Linux, Documentation/driver-api/early-userspace).
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from bpfsmt.errors import OracleError
from bpfsmt.kernel.vm.missing import MissingError
from bpfsmt.kernel.vm.paths import cache_directory, write_whole

_CROSS, _NATIVE = "x86_64-linux-gnu-gcc", ("gcc", "clang", "cc")
_FLAGS = ("-static", "-O2", "-x", "c")
_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of an archive; ``device`` is major and minor of a device node."""

    name: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def archive(entries: list[Entry]) -> bytes:
    """The files as an archive that Linux unpacks at boot."""
    parts = []
    for number, entry in enumerate([*entries, Entry("TRAILER!!!", 0)], 1):
        name = entry.name.encode() + b"\0"
        fields = (
            number, entry.mode, 0, 0, 1, 0, len(entry.data), 0, 0, *entry.device, len(name), 0,
        )  # fmt: skip
        head = b"070701" + b"".join(b"%08x" % field for field in fields)
        parts += [_padded(head + name), _padded(entry.data)]
    return b"".join(parts)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def find_compiler() -> str:
    """The path of a C compiler for x86-64; raises `MissingError`."""
    native = platform.machine() in ("x86_64", "AMD64")
    names = (_CROSS, *_NATIVE) if native else (_CROSS,)
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        packages = "gcc libc6-dev" if native else "gcc-x86-64-linux-gnu"
        raise MissingError("no C compiler for the loader", packages)
    return found


def initramfs() -> Path:
    """The archive with the loader, compiled at first use and kept.

    Raises `OracleError` if there is no compiler, or it makes no static program.
    """
    source = files(__package__).joinpath("loader.c").read_bytes()
    compiler = find_compiler()
    made_of = hashlib.sha256(b"\0".join((source, compiler.encode(), *map(str.encode, _FLAGS))))
    path = cache_directory() / f"initramfs-{made_of.hexdigest()[:16]}.cpio"
    if not path.exists():
        write_whole(path, archive(_files(compiled(compiler, source))))
    return path


def _files(loader: bytes) -> list[Entry]:
    return [
        Entry("dev", stat.S_IFDIR | 0o755),
        Entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1)),
        Entry("init", stat.S_IFREG | 0o755, loader),
    ]


def compiled(compiler: str, source: bytes) -> bytes:
    """A C program as a static executable; raises `OracleError` if it is not made."""
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory, "init")
        try:
            done = subprocess.run(
                [compiler, *_FLAGS, "-o", str(target), "-"],
                input=source, capture_output=True, timeout=_SECONDS, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise OracleError(f"{compiler} does not compile the loader: {error}") from None
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").splitlines()
            why = next((line for line in said if "error" in line or "cannot" in line), "")
            raise OracleError(
                f"{compiler} does not compile the loader (is libc6-dev installed?): {why}"
            )
        return target.read_bytes()
