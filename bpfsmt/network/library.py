"""The packet library: an extra, asked for only where packets are parsed or built."""

from __future__ import annotations

from typing import Any

from bpfsmt.errors import BpfsmtError


def packet_library() -> Any:
    """The module dpkt; raises `BpfsmtError` saying how to install it."""
    try:
        import dpkt
    except ImportError:
        raise BpfsmtError(
            "packets need the library dpkt, which is not installed: pip install 'bpfsmt[packets]'"
        ) from None
    return dpkt
