"""``bpfsmt oracles``, and ``--oracle vm:...`` where something is missing or kept."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bpfsmt.cli import main
from bpfsmt.errors import OracleError
from bpfsmt.kernel import LoadResult
from bpfsmt.kernel.known import KnownOracle
from bpfsmt.kernel.oracle import MAX_LOG_BYTES
from bpfsmt.kernel.vm import VmOracle, answers
from bpfsmt.kernel.vm.cache import ResultCache
from bpfsmt.kernel.vm.images import images, read_image
from bpfsmt.program import load

from .common import fake_image

ACCEPTED = "r0 = 2\nexit\n"
KNOWN = [
    KnownOracle("kernel", "6.18.1", "", None),
    KnownOracle("vm:6.12", "6.12.9-amd64", "/boot/vmlinuz-6.12.9-amd64", None),
    KnownOracle("vm:6.1", "", "", "no QEMU: install it"),
]


def bpfsmt(*args: str | Path) -> Result:
    """Run a command."""
    return CliRunner().invoke(main, [str(arg) for arg in args])


def written(folder: Path, name: str, text: str) -> Path:
    """A file with this text."""
    path = folder / name
    path.write_text(text)
    return path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache directory with nothing in it, and a path with no program."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "bpfsmt/vm"


def test_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["bpfsmt.cli.oracles"], "known_oracles", lambda: KNOWN)
    result = bpfsmt("oracles")
    assert result.exit_code == 0
    rows = [line.split(maxsplit=2) for line in result.stdout.splitlines()]
    assert [row[:2] for row in rows[1:]] == [
        ["kernel", "ready"], ["vm:6.12", "ready"], ["vm:6.1", "missing"],
    ]  # fmt: skip
    assert rows[2][2].rstrip() == "Linux 6.12.9-amd64 (/boot/vmlinuz-6.12.9-amd64)"
    assert rows[3][2].rstrip() == "no QEMU: install it"
    found = json.loads(bpfsmt("oracles", "--json").stdout)
    assert [one["missing"] for one in found] == [None, None, "no QEMU: install it"]


@pytest.mark.parametrize("name", ["vm:6.12", "vm:6.1"])
def test_what_is_missing_is_named(cache: Path, name: str, tmp_path: Path) -> None:
    result = bpfsmt("verify", "--oracle", name, written(tmp_path, "a.bpfasm", ACCEPTED))
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"bpfsmt: {name}: no qemu-system-x86_64, ")
    assert ": install qemu-system-x86 gcc libc6-dev" in line


@pytest.mark.parametrize("name", ["6.12", "vm:", "kernel"])
def test_what_cannot_be_fetched(cache: Path, name: str) -> None:
    result = bpfsmt("oracles", "--fetch", name)
    assert result.exit_code == 2
    assert "what can be fetched is vm:RELEASE" in result.stderr


def test_fetching_what_there_is_not(cache: Path) -> None:
    result = bpfsmt("oracles", "--fetch", "vm:6.12")
    assert result.exit_code == 2
    assert "no apt-cache: this fetches Debian packages only" in result.stderr


def test_a_kept_answer_with_a_warning(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No machine is booted for it; there is none."""
    image = read_image(fake_image(cache / "images", "6.12.1-amd64"))
    assert image in images()
    file = written(tmp_path, "a.bpfasm", ACCEPTED)
    (program,) = load(file).programs
    answer = LoadResult(program, image.release, True, 0, "log\n", warnings=("verifier bug",))
    kept = ResultCache(image)
    kept.put(kept.path(program, "load", 0, MAX_LOG_BYTES), answers.load_to_json(answer))
    monkeypatch.setattr("bpfsmt.kernel.vm.vm_oracle", lambda name: VmOracle(f"vm:{name}", image))
    result = bpfsmt("verify", "--oracle", "vm:6.12", file)
    assert result.exit_code == 0
    assert "on the console of Linux 6.12.1-amd64: verifier bug\n" in result.stdout
    (found,) = json.loads(bpfsmt("verify", "--json", "--oracle", "vm:6.12", file).stdout)
    assert found["warnings"] == ["verifier bug"]


def test_errors_of_a_machine_are_one_line(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = read_image(fake_image(cache / "images", "6.12.1-amd64"))

    class Dying(VmOracle):
        def _load(self, program: object, flags: int, max_log: int) -> LoadResult:
            raise OracleError("a: Linux 6.12.1 in a VM ended during boot (Kernel panic: planted)")

    monkeypatch.setattr("bpfsmt.kernel.vm.vm_oracle", lambda name: Dying(f"vm:{name}", image))
    result = bpfsmt("verify", "--oracle", "vm:6.12", written(tmp_path, "a.bpfasm", ACCEPTED))
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "bpfsmt: a: Linux 6.12.1 in a VM ended during boot (Kernel panic: planted)"
    ]
