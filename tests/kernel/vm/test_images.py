"""Which image a name means, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpfsmt.errors import OracleError
from bpfsmt.kernel.known import known_oracles
from bpfsmt.kernel.vm import find_image, vm_oracle
from bpfsmt.kernel.vm.images import images, read_image
from bpfsmt.kernel.vm.missing import MissingError

from .common import fake_image


def test_the_newest_of_a_series(empty_cache: Path) -> None:
    for release in ("6.12.9+deb13-amd64", "6.12.48+deb13-amd64", "6.1.0-56-amd64"):
        fake_image(empty_cache, release)
    assert find_image("6.12").release == "6.12.48+deb13-amd64"
    assert find_image("6.1").release == "6.1.0-56-amd64"
    assert find_image("6.12.9").release == "6.12.9+deb13-amd64"
    assert [image.release[:5] for image in images()] == ["6.12.", "6.12.", "6.1.0"]


def test_an_image_by_its_path(tmp_path: Path) -> None:
    image = find_image(str(fake_image(tmp_path, "6.99.0-mine")))
    assert image.release == "6.99.0-mine"
    assert image.version.endswith("#1 SMP")


def test_the_same_release_built_twice(tmp_path: Path) -> None:
    one = read_image(fake_image(tmp_path / "a", "6.12.0", b"one"))
    two = read_image(fake_image(tmp_path / "b", "6.12.0", b"two"))
    assert one.release == two.release
    assert one.digest() != two.digest()


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", bytes(1000), b"\x7fELF" + bytes(1 << 16)])
def test_no_image(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vmlinuz-6.12.0"
    path.write_bytes(content)
    with pytest.raises(OracleError, match="no kernel image"):
        read_image(path)
    with pytest.raises(OracleError, match="No such file"):
        read_image(tmp_path / "none")


def test_an_image_without_a_release(tmp_path: Path) -> None:
    path = fake_image(tmp_path, "")
    path.write_bytes(path.read_bytes().replace(b"(builder@host) #1 SMP", b" " * 21))
    with pytest.raises(OracleError, match="does not say its release"):
        read_image(path)


def test_an_image_that_is_damaged_is_named(empty_cache: Path) -> None:
    empty_cache.mkdir(parents=True)
    (empty_cache / "vmlinuz-6.12.1-amd64").write_bytes(b"")
    assert images() == []
    with pytest.raises(OracleError, match=r"vmlinuz-6\.12\.1-amd64: no kernel image"):
        find_image("6.12")


def test_all_that_is_missing_in_one_line(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(empty_cache))
    with pytest.raises(OracleError) as caught:
        vm_oracle("6.12")
    said = str(caught.value)
    assert said.startswith("vm:6.12: no qemu-system-x86_64, no C compiler for the loader, ")
    assert said.endswith(": install qemu-system-x86 gcc libc6-dev linux-image-6.12-amd64")
    assert "\n" not in said


def test_only_an_image_is_missing(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingError, match=r"run: bpfsmt oracles --fetch vm:6\.1$"):
        find_image("6.1")


def test_what_is_known(empty_cache: Path) -> None:
    fake_image(empty_cache, "6.99.1-amd64")
    fake_image(empty_cache, "6.12.1-amd64")
    known = {one.name: one for one in known_oracles()}
    assert list(known) == ["kernel", "vm:6.99", "vm:6.12", "vm:6.1"]
    assert "no image of Linux 6.1 " in (known["vm:6.1"].missing or "")
    assert not known["vm:6.1"].release
