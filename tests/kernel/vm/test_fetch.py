"""Fetching, from an archive of scripts: the newest plain image, and nothing half done."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from bpfsmt.errors import OracleError
from bpfsmt.kernel.vm import fetch

from .common import fake_image

NAMES = """linux-image-6.12.9+deb13-amd64 linux-image-6.12.48+deb13-amd64-dbg
linux-image-6.12.48+deb13-amd64 linux-image-6.12.48+deb13-cloud-amd64 linux-image-6.12-amd64
linux-image-6.12.48+deb13-amd64-unsigned linux-image-6.12.99+deb13-rt-amd64"""
APT_CACHE = f"#!/bin/sh\ncat <<'E'\n{NAMES}\nE\n"
APT_GET = """#!/bin/sh
case $1 in
download) shift; for p; do echo "$p" > "$p.deb"; done ;;
install) echo 'NOTE: a simulation'; echo 'Inst libslirp0 (4.7)'; echo 'Inst qemu-system-x86 (7)' ;;
esac
"""
DPKG_DEB = """#!/bin/sh
case $1 in
--fsys-tarfile) cat "$PACKAGE_TAR" ;;
--extract) mkdir -p "$3/usr/bin"; cp "$2" "$3/usr/bin/" ;;
esac
"""


@pytest.fixture
def archive(empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the three commands, first in the path."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, text in (("apt-cache", APT_CACHE), ("apt-get", APT_GET), ("dpkg-deb", DPKG_DEB)):
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}:/usr/bin:/bin")
    monkeypatch.setenv("PACKAGE_TAR", str(tmp_path / "package.tar"))
    return commands


def pack(path: Path, name: str, content: bytes) -> None:
    with tarfile.open(path, "w") as tar:
        for member, data in (("./usr/share/doc/x", b"x"), (name, content)):
            info = tarfile.TarInfo(member)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def test_the_newest_plain_image(archive: Path, empty_cache: Path, tmp_path: Path) -> None:
    content = fake_image(tmp_path, "6.12.48+deb13-amd64").read_bytes()
    pack(tmp_path / "package.tar", "./boot/vmlinuz-6.12.48+deb13-amd64", content)
    image = fetch.fetch_kernel("6.12")
    assert image.release == "6.12.48+deb13-amd64"
    assert image.path == empty_cache / "vmlinuz-6.12.48+deb13-amd64"


def test_a_package_without_an_image(archive: Path, empty_cache: Path, tmp_path: Path) -> None:
    pack(tmp_path / "package.tar", "./boot/other", b"")
    with pytest.raises(OracleError, match=r"linux-image-6\.12\.48.*no \./boot/vmlinuz"):
        fetch.fetch_kernel("6.12")
    assert not empty_cache.exists()


def test_no_such_kernel(archive: Path) -> None:
    with pytest.raises(OracleError, match=r"apt knows no kernel image of Linux 6\.1 "):
        fetch.fetch_kernel("6.1")


def test_qemu_with_its_libraries(archive: Path) -> None:
    root = fetch.fetch_qemu()
    found = sorted(path.name for path in (root / "usr/bin").iterdir())
    assert found == ["libslirp0.deb", "qemu-system-x86.deb"]
    assert [path.name for path in root.parent.iterdir()] == ["qemu"]


def test_a_failing_download(archive: Path, empty_cache: Path) -> None:
    (archive / "apt-get").write_text("#!/bin/sh\necho 'E: no network' >&2\nexit 100\n")
    with pytest.raises(OracleError, match="apt-get download: E: no network"):
        fetch.fetch_kernel("6.12")


def test_not_debian(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(empty_cache))
    with pytest.raises(OracleError, match="no apt-cache: this fetches Debian packages only"):
        fetch.fetch_kernel("6.12")
