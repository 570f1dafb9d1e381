"""The archive with the loader, and the loader's compilation."""

from __future__ import annotations

import platform
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from bpfsmt.errors import OracleError
from bpfsmt.kernel.vm import initramfs as module
from bpfsmt.kernel.vm.initramfs import Entry, archive, initramfs

needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")


def read_archive(data: bytes) -> dict[str, tuple[int, bytes, tuple[int, int]]]:
    """Mode, content and device of every file: a second reading of the format."""
    found: dict[str, tuple[int, bytes, tuple[int, int]]] = {}
    at = 0
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        start = at + 110
        name = data[start : start + fields[11] - 1].decode()
        content = -(-(start + fields[11]) // 4) * 4
        at = -(-(content + fields[6]) // 4) * 4
        if name == "TRAILER!!!":
            assert at == len(data)
            return found
        device = (fields[9], fields[10])
        found[name] = (fields[1], data[content : content + fields[6]], device)


def test_an_archive_is_read_back() -> None:
    entries = [
        Entry("dev", stat.S_IFDIR | 0o755),
        Entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1)),
        Entry("init", stat.S_IFREG | 0o755, b"x" * 4097),
    ]
    found = read_archive(archive(entries))
    assert found == {e.name: (e.mode, e.data, e.device) for e in entries}


@pytest.mark.skipif(not shutil.which("cpio"), reason="needs cpio")
def test_cpio_reads_it() -> None:
    data = archive([Entry("a", stat.S_IFREG | 0o644, b"12345")])
    done = subprocess.run(["cpio", "-t"], input=data, capture_output=True, check=True)
    assert done.stdout == b"a\n"


@needs_gcc
def test_the_loader_compiles_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = initramfs()
    mode, loader, _ = read_archive(path.read_bytes())["init"]
    assert stat.S_ISREG(mode)
    assert loader[:4] == b"\x7fELF"
    assert b"/lib64/ld-linux" not in loader  # static
    monkeypatch.setattr(module, "compiled", lambda *_: pytest.fail("compiled again"))
    assert initramfs() == path


def test_a_compiler_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / "gcc"
    compiler.write_text("#!/bin/sh\necho '/usr/bin/ld: cannot find -lc' >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "find_compiler", lambda: str(compiler))
    with pytest.raises(OracleError, match=r"is libc6-dev installed.*cannot find -lc"):
        initramfs()
    assert not list((tmp_path / "cache").rglob("*.cpio"))


def test_a_machine_of_another_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(OracleError, match="install gcc-x86-64-linux-gnu"):
        module.find_compiler()
