"""Local storage: what maps hold for one socket or one cgroup."""

from __future__ import annotations

from bpfsmt.machine.maps.base import MapState


class LocalState(MapState):
    """A map without keys, whose content ends with its owner.

    The owner is the packet's socket, or the cgroup of the run, and lives as long as the run:
    the content is in `Machine.storage`.  That is how it is in a test run, where the kernel
    makes a socket and the cgroup's storage for each call.  User space finds nothing here.
    """
