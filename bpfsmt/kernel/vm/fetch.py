"""Kernel images and QEMU from Debian's archive into the cache directory; nothing is installed.

Packages are downloaded by apt-get as this machine is set up for, and unpacked by dpkg-deb:
no script of theirs is run, no root is needed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from bpfsmt.errors import OracleError
from bpfsmt.kernel.vm.images import Image, is_release, newest_first, read_image
from bpfsmt.kernel.vm.paths import cache_directory, write_whole
from bpfsmt.kernel.vm.qemu import PACKAGE, fetched_root

_IMAGE = re.compile(r"linux-image-(?P<release>\d+\.\d+\.\d.*-amd64)")  # not the metapackages
_OTHERS = re.compile(r"-(cloud|rt)-")
_TO_INSTALL = re.compile(r"^Inst (\S+)", re.MULTILINE)
_SECONDS = 1800


def fetch_kernel(name: str) -> Image:
    """The newest image of a release that the archive has (``6.12``); raises `OracleError`."""
    known = _run("apt-cache", "pkgnames", f"linux-image-{name}").split()
    matches = filter(None, map(_IMAGE.fullmatch, known))
    releases = [m["release"] for m in matches if is_release(m["release"], name)]
    plain = [release for release in releases if not _OTHERS.search(release)]
    if not plain:
        raise OracleError(f"apt knows no kernel image of Linux {name} (apt-get update?)")
    release = newest_first(plain)[0]
    with tempfile.TemporaryDirectory() as directory:
        (package,) = _download(Path(directory), [f"linux-image-{release}"])
        target = cache_directory() / "images" / f"vmlinuz-{release}"
        write_whole(target, _member(package, f"./boot/vmlinuz-{release}"))
    return read_image(target)


def fetch_qemu() -> Path:
    """QEMU and the libraries that it needs and this machine lacks; raises `OracleError`."""
    simulated = _run("apt-get", "install", "--simulate", "--no-install-recommends", PACKAGE)
    packages = _TO_INSTALL.findall(simulated)
    if not packages:
        raise OracleError(f"{PACKAGE} is installed already")
    root = fetched_root()
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent, prefix=".qemu.") as directory:
        unpacked = Path(directory, "root")
        for package in _download(Path(directory), packages):
            _run("dpkg-deb", "--extract", str(package), str(unpacked))
        shutil.rmtree(root, ignore_errors=True)
        unpacked.rename(root)
    return root


def _download(directory: Path, packages: list[str]) -> list[Path]:
    _run("apt-get", "download", *packages, cwd=directory)
    return sorted(directory.glob("*.deb"))


def _member(package: Path, name: str) -> bytes:
    """One file of a package."""
    arguments = ["dpkg-deb", "--fsys-tarfile", str(package)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
                for member in tar:
                    file = tar.extractfile(member) if member.name == name else None
                    if file is not None:
                        return file.read()
        except tarfile.TarError as error:
            raise OracleError(f"{package.name}: {error}") from None
        finally:
            process.kill()  # the rest of the package is not needed
    raise OracleError(f"{package.name}: no {name} in it")


def _run(*arguments: str, cwd: Path | None = None) -> str:
    """A command's output; its failure is one line."""
    try:
        done = subprocess.run(
            arguments, cwd=cwd, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except FileNotFoundError:
        raise OracleError(f"no {arguments[0]}: this fetches Debian packages only") from None
    except subprocess.TimeoutExpired:
        raise OracleError(f"{arguments[0]}: no end within {_SECONDS} s") from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise OracleError(f"{' '.join(arguments[:2])}: {said[-1]}")
    return done.stdout
