"""Which oracles there are, and what is missing for those that cannot be asked."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bpfsmt.errors import OracleError
from bpfsmt.kernel.syscall import available
from bpfsmt.kernel.target import HERE
from bpfsmt.kernel.vm import vm_oracle
from bpfsmt.kernel.vm.images import images, newest_first

ALWAYS_NAMED = ("6.12", "6.1")
"""The kernels that are named even where there is no image: their rule sets are here."""


@dataclass(frozen=True, slots=True)
class KnownOracle:
    """An oracle by its name.  ``missing`` says why it cannot be asked; `None` if it can.

    ``release`` is its ``uname -r``, "" if that is not known; ``where`` its image, "" if none.
    """

    name: str
    release: str
    where: str
    missing: str | None


def known_oracles() -> list[KnownOracle]:
    """The running kernel, then a kernel in a VM for each series, newest first.

    Nothing is booted, built or downloaded.
    """
    series = {found[0] for image in images() if (found := re.match(r"\d+\.\d+", image.release))}
    names = newest_first(series | set(ALWAYS_NAMED))
    return [KnownOracle("kernel", HERE.release, "", available()), *map(_in_vm, names)]


def _in_vm(release: str) -> KnownOracle:
    name = f"vm:{release}"
    try:
        oracle = vm_oracle(release, keep=False)
    except OracleError as error:
        return KnownOracle(name, "", "", str(error).removeprefix(f"{name}: "))
    return KnownOracle(name, oracle.release, str(oracle.image.path), None)
