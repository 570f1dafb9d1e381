"""What is not on this machine, and how to get it: one line, however much it is."""

from __future__ import annotations

from collections.abc import Sequence

from bpfsmt.errors import OracleError


class MissingError(OracleError):
    """Something has to be installed; ``fetch`` is what ``bpfsmt oracles --fetch`` calls it.

    >>> print(MissingError("no QEMU", "qemu-system-x86", "qemu"))
    no QEMU: install qemu-system-x86, or run: bpfsmt oracles --fetch qemu
    """

    def __init__(self, what: str, packages: str, fetch: str = "") -> None:
        self.what, self.packages, self.fetch = what, packages, fetch
        instead = f", or run: bpfsmt oracles --fetch {fetch}" if fetch else ""
        super().__init__(f"{what}: install {packages}{instead}")


def all_missing(errors: Sequence[MissingError]) -> MissingError:
    """One error for several; there is another way than installing if there is for each.

    >>> print(all_missing([MissingError("no A", "a", "x"), MissingError("no B", "b", "y")]))
    no A, no B: install a b, or run: bpfsmt oracles --fetch x --fetch y
    """
    fetches = [error.fetch for error in errors]
    return MissingError(
        ", ".join(error.what for error in errors),
        " ".join(error.packages for error in errors),
        " --fetch ".join(fetches) if all(fetches) else "",
    )
