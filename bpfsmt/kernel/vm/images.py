"""Kernel images: which there are on this machine, and which one a name means.

An image is a bzImage (Linux, Documentation/arch/x86/boot.rst), which says its release itself.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bpfsmt.errors import OracleError
from bpfsmt.kernel.vm.missing import MissingError
from bpfsmt.kernel.vm.paths import cache_directory

_PREFIX = "vmlinuz-"
_MAGIC_AT, _MAGIC = 0x202, b"HdrS"
_VERSION_AT, _VERSION_BASE, _VERSION_BYTES = 0x20E, 0x200, 256


@dataclass(frozen=True, slots=True)
class Image:
    """A kernel that can be booted; ``release`` is what ``uname -r`` will say in it.

    ``version`` is the whole line that the kernel says of itself, with builder and date.
    """

    path: Path
    release: str
    version: str

    def digest(self) -> str:
        """A hash of the file: two builds may say the same release.  Raises `OSError`."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def image_directories() -> tuple[Path, ...]:
    """Where images are looked for: those fetched, and those installed."""
    return (cache_directory() / "images", Path("/boot"))


def read_image(path: Path) -> Image:
    """The image in a file; raises `OracleError` where it is none, or cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(1 << 16)
    except OSError as error:
        raise OracleError(f"{path}: {error.strerror}") from None
    if head[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] != _MAGIC:
        raise OracleError(f"{path}: no kernel image (bzImage) for x86")
    start = int.from_bytes(head[_VERSION_AT : _VERSION_AT + 2], "little") + _VERSION_BASE
    version = head[start : start + _VERSION_BYTES].split(b"\0")[0].decode("ascii", "replace")
    if not version.split():
        raise OracleError(f"{path}: the image does not say its release")
    return Image(path, version.split()[0], version)


def images() -> list[Image]:
    """All images on this machine that can be read, the newest first."""
    found: dict[str, Image] = {}
    for path in _files():
        with suppress(OracleError):
            image = read_image(path)
            found.setdefault(image.release, image)
    return [found[release] for release in newest_first(found)]


def newest_first(releases: Iterable[str]) -> list[str]:
    """Releases in order; of the same, one for real time or the cloud is second choice.

    >>> newest_first(["6.1.0-56-amd64", "6.12.9-amd64", "6.12.48-cloud-amd64", "6.12.48-amd64"])
    ['6.12.48-amd64', '6.12.48-cloud-amd64', '6.12.9-amd64', '6.1.0-56-amd64']
    """

    def age(release: str) -> tuple[list[int], bool]:
        numbers = [int(number) for number in re.findall(r"\d+", release)]
        return numbers, not re.search(r"-(rt|cloud)-", release)

    return sorted(releases, key=age, reverse=True)


def find_image(name: str) -> Image:
    """The newest image of a release (``6.12``, ``6.1.0-56-amd64``), or the one at a path.

    Raises `MissingError` if there is none, `OracleError` for one that cannot be read.
    """
    if "/" in name:
        return read_image(Path(name))
    for image in images():
        if is_release(image.release, name):
            return image
    for path in _files():  # is there one that only others may read?
        if is_release(path.name.removeprefix(_PREFIX), name):
            return read_image(path)
    places = " and ".join(str(directory) for directory in image_directories())
    raise MissingError(f"no image of Linux {name} in {places}", package_of(name), f"vm:{name}")


def _files() -> list[Path]:
    return [path for each in image_directories() for path in sorted(each.glob(f"{_PREFIX}*"))]


def is_release(release: str, name: str) -> bool:
    """Whether a release is of the series, or is the one, that a name means.

    >>> is_release("6.12.48+deb13-amd64", "6.12"), is_release("6.12.48", "6.1")
    (True, False)
    """
    return release == name or release.startswith((f"{name}.", f"{name}-", f"{name}+"))


def package_of(name: str) -> str:
    """Debian's package with a kernel of that release: 6.1 is the standard one of Debian 12.

    >>> package_of("6.12"), package_of("6.1")
    ('linux-image-6.12-amd64', 'linux-image-amd64')
    """
    return "linux-image-amd64" if name == "6.1" else f"linux-image-{name}-amd64"
