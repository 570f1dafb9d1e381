"""What a kernel's release tells: which rule set goes with it, and how it prints states."""

from __future__ import annotations

import re

from bpfsmt.errors import OracleError
from bpfsmt.kernel.log import Dialect
from bpfsmt.rules.registry import rule_set_names

_LINUX = "linux-"
_NEW_DIALECT = (6, 7)


def rules_for(release: str) -> str:
    """The rules of the newest Linux that is not newer than the kernel.

    >>> rules_for("6.12.48+deb13-amd64")
    'linux-6.12'

    Raises `OracleError` for a kernel older than all of them.
    """
    kernel = version_of(release)
    known = {version_of(name): name for name in rule_set_names() if _LINUX in name}
    fit = [version for version in known if version <= kernel]
    if not fit:
        names = ", ".join(known.values())
        raise OracleError(f"no rules for Linux {release} (there are {names}): use --rules")
    return known[max(fit)]


def dialect_of(release: str) -> Dialect:
    """In which form this kernel prints states.

    >>> dialect_of("6.1.0-49-amd64").name
    'OLD'
    """
    return Dialect.NEW if version_of(release) >= _NEW_DIALECT else Dialect.OLD


def version_of(text: str) -> tuple[int, int]:
    """The version in a release or in the name of a rule set; (0, 0) if there is none.

    >>> version_of("6.1.0-49-amd64")
    (6, 1)
    """
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)
