"""Which rule set goes with a kernel, unless one is named."""

from __future__ import annotations

import re

from bpfsmt.errors import OracleError
from bpfsmt.rules.registry import rule_set_names

_LINUX = "linux-"


def rules_for(release: str) -> str:
    """The rules of the newest Linux that is not newer than the kernel.

    >>> rules_for("6.12.48+deb13-amd64")
    'linux-6.12'

    Raises `OracleError` for a kernel older than all of them.
    """
    kernel = _version(release)
    known = {_version(name): name for name in rule_set_names() if _LINUX in name}
    fit = [version for version in known if version <= kernel]
    if not fit:
        names = ", ".join(known.values())
        raise OracleError(f"no rules for Linux {release} (there are {names}): use --rules")
    return known[max(fit)]


def _version(text: str) -> tuple[int, int]:
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)
