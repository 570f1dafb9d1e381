"""A routing table from a JSON file.

An object with up to three lists of objects, whose members are the arguments of the methods
of `bpfsmt.machine.Routes`::

    {"devices":    [{"index": 2, "mac": "02:00:00:00:00:02"}],
     "routes":     [{"prefix": "10.0.0.0/8", "device": 2, "via": "192.0.2.1"}],
     "neighbours": [{"address": "192.0.2.1", "device": 2, "mac": "02:00:00:00:00:99"}]}
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bpfsmt.errors import BpfsmtError, LoadError
from bpfsmt.machine import Routes

_TEXT, _NUMBER, _FLAG = (str,), (int,), (bool,)
_MEMBERS: dict[str, dict[str, tuple[type, ...]]] = {
    "devices": {"index": _NUMBER, "mac": _TEXT, "mtu": _NUMBER, "forwards": _FLAG},
    "routes": {
        "prefix": _TEXT, "device": _NUMBER, "via": _TEXT, "kind": _TEXT, "metric": _NUMBER,
        "mtu": _NUMBER, "source": _TEXT, "table": _NUMBER,
    },
    "neighbours": {"address": _TEXT, "device": _NUMBER, "mac": _TEXT},
}  # fmt: skip
_NEEDED = {
    "devices": ("index", "mac"), "routes": ("prefix",), "neighbours": ("address", "device", "mac"),
}  # fmt: skip
_KINDS = ("unicast", "local", "blackhole", "unreachable", "prohibit")


def read_routes(path: str | Path) -> Routes:
    """The table that the file describes.

    Raises `LoadError`, one line that begins with the path and names the entry, for a file that
    is no such object.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise LoadError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise LoadError(f"{path}: no JSON: {error}") from None
    try:
        return _table(content)
    except BpfsmtError as error:
        raise LoadError(f"{path}: {error}") from None


def _table(content: Any) -> Routes:
    if not isinstance(content, dict) or not set(content) <= set(_MEMBERS):
        raise BpfsmtError(f"no object with the members {', '.join(_MEMBERS)} or some of them")
    routes = Routes()
    adders = {"devices": routes.device, "routes": routes.route, "neighbours": routes.neighbour}
    for kind, add in adders.items():
        entries = content.get(kind, [])
        if not isinstance(entries, list):
            raise BpfsmtError(f"{kind}: no list")
        for number, entry in enumerate(entries, 1):
            try:
                add(**_arguments(kind, entry))  # type: ignore[operator]
            except BpfsmtError as error:
                raise BpfsmtError(f"{kind}, entry {number}: {error}") from None
    return routes


def _arguments(kind: str, entry: Any) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise BpfsmtError(f"{entry!r} is no object")
    for name, value in entry.items():
        types = _MEMBERS[kind].get(name)
        if types is None:
            raise BpfsmtError(f"no member {name!r} (there are: {', '.join(_MEMBERS[kind])})")
        if type(value) not in types:
            raise BpfsmtError(f"{name} is {value!r}, not {types[0].__name__}")
    for name in _NEEDED[kind]:
        if name not in entry:
            raise BpfsmtError(f"{name} is missing")
    if entry.get("kind", "unicast") not in _KINDS:
        raise BpfsmtError(f"kind is one of {', '.join(_KINDS)}, not {entry['kind']!r}")
    return entry
