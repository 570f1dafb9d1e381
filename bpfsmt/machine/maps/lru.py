"""Which entry of an LRU map goes when a new one comes: the kernel's approximation of LRU.

Places for entries are on lists: free ones, an inactive and an active list, and per CPU
some free places and those it filled last ("pending").  A use only marks an entry; when a
CPU runs out of free places, marks move entries to the active list, and unmarked ones at
the end of the inactive list are evicted, several at a time.  So a map may evict before it
is full.  Follows the behaviour of Linux 6.12 to 6.18, ``kernel/bpf/bpf_lru_list.c``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bpfsmt.machine.maps.base import Value

_LOCAL_TARGET = 128
_LOCAL_SCANS = 128
_PERCPU_TARGET = _PERCPU_SCANS = 4


class Place:
    """Room for one entry: its key and values, and where it is on which list."""

    __slots__ = ("cpu", "key", "next", "on", "prev", "used", "values")

    def __init__(self) -> None:
        self.prev = self.next = self
        self.on: _List | None = None
        self.used = False
        self.cpu = 0
        self.key = b""
        self.values: list[Value] = []


class _List:
    """A ring of places; the newest is at the front."""

    __slots__ = ("head", "size")

    def __init__(self) -> None:
        self.head = Place()
        self.size = 0

    def push(self, place: Place) -> None:
        """Take a place from the list where it is, if any, to the front of this one."""
        if place.on is not None:
            place.on.remove(place)
        head = self.head
        place.prev, place.next = head, head.next
        head.next.prev = place
        head.next = place
        place.on = self
        self.size += 1

    def remove(self, place: Place) -> None:
        """Take a place off this list."""
        place.prev.next, place.next.prev = place.next, place.prev
        place.on = None
        self.size -= 1

    def pop(self) -> Place | None:
        """Take the front place off."""
        if not self.size:
            return None
        place = self.head.next
        self.remove(place)
        return place

    def oldest_first(self) -> Iterator[Place]:
        """The places from the back, each of which may be moved meanwhile."""
        place = self.head.prev
        while place is not self.head:
            before = place.prev
            yield place
            place = before


class _Lru:
    """Active, inactive and free places that are evicted from together."""

    def __init__(self, scans: int, evict: Callable[[Place], None]) -> None:
        self.active, self.inactive, self.free = _List(), _List(), _List()
        self.scans = scans
        self.evict = evict
        self._next_rotated = self.inactive.head

    def move(self, place: Place, to: _List) -> None:
        """Put a place on a list, unmarked."""
        if place is self._next_rotated:
            self._next_rotated = place.prev
        place.used = False
        to.push(place)

    def rotate(self) -> None:
        """Sort some places by whether they were used: to the active list, or down from it."""
        if self.inactive.size < self.active.size:
            self._rotate_active()
        if self.inactive.size:
            self._rotate_inactive()

    def _rotate_active(self) -> None:
        front = self.active.head.next
        for seen, place in enumerate(self.active.oldest_first(), start=1):
            self.move(place, self.active if place.used else self.inactive)
            if seen == self.scans or place is front:
                break

    def _rotate_inactive(self) -> None:
        head = self.inactive.head
        last = self._next_rotated.next
        if last is head:
            last = last.next
        place, following, seen = self._next_rotated, head, 0
        while seen < self.scans:
            if place is head:
                place = place.prev
                continue
            following = place.prev
            if place.used:
                self.move(place, self.active)
            if place is last:
                break
            place = following
            seen += 1
        self._next_rotated = following

    def shrink(self, wanted: int, to: _List) -> None:
        """Evict up to ``wanted`` unused entries, or if there is none any one."""
        found = 0
        for seen, place in enumerate(self.inactive.oldest_first(), start=1):
            if place.used:
                self.move(place, self.active)
            else:
                self._evict_to(place, to)
                found += 1
            if found == wanted or seen == self.scans:
                break
        if not found:
            for place in (self.inactive if self.inactive.size else self.active).oldest_first():
                self._evict_to(place, to)
                break

    def _evict_to(self, place: Place, to: _List) -> None:
        self.evict(place)
        self.move(place, to)


class _Local:
    """One CPU's own places: free ones, and those that it filled last."""

    def __init__(self, cpu: int) -> None:
        self.free, self.pending = _List(), _List()
        self.next_steal = cpu

    def pop_pending(self, evict: Callable[[Place], None]) -> Place | None:
        """Evict the oldest unmarked entry, or else the oldest."""
        places = list(self.pending.oldest_first())
        place = next((p for p in places if not p.used), places[0] if places else None)
        if place is not None:
            evict(place)
            self.pending.remove(place)
        return place


class CommonLru:
    """Places for all CPUs together, the usual kind."""

    def __init__(self, size: int, cpus: int, evict: Callable[[Place], None]) -> None:
        self._lru = _Lru(_LOCAL_SCANS, evict)
        self._locals = [_Local(cpu) for cpu in range(cpus)]
        self._target = min(max(size // cpus // 2, 1), _LOCAL_TARGET)
        self._untouched = size  # places that nobody has had yet are made when needed

    def pop(self, cpu: int) -> Place | None:
        """A place for a new entry of this CPU; may evict some."""
        local = self._locals[cpu]
        place = local.free.pop()
        if place is None:
            self._refill(local)
            place = local.free.pop()
        if place is None:
            place = self._steal(local)
        if place is not None:
            place.cpu, place.used = cpu, False
            local.pending.push(place)
        return place

    def _refill(self, local: _Local) -> None:
        lru = self._lru
        for place in local.pending.oldest_first():
            lru.move(place, lru.active if place.used else lru.inactive)
        lru.rotate()
        found = 0
        while found < self._target:
            if lru.free.size:
                lru.move(lru.free.head.next, local.free)
            elif self._untouched:
                self._untouched -= 1
                local.free.push(Place())
            else:
                break
            found += 1
        if found < self._target:
            lru.shrink(self._target - found, local.free)

    def _steal(self, local: _Local) -> Place | None:
        first = cpu = local.next_steal
        place = None
        while place is None:
            victim = self._locals[cpu]
            place = victim.free.pop() or victim.pop_pending(self._lru.evict)
            cpu = (cpu + 1) % len(self._locals)
            if cpu == first:
                break
        local.next_steal = cpu
        return place

    def give_back(self, place: Place) -> None:
        """A place whose entry was deleted."""
        local = self._locals[place.cpu]
        place.used = False
        if place.on is local.pending:
            local.free.push(place)
        else:
            self._lru.move(place, self._lru.free)


class PercpuLru:
    """Places that belong to one CPU each (BPF_F_NO_COMMON_LRU)."""

    def __init__(self, size: int, cpus: int, evict: Callable[[Place], None]) -> None:
        self._lrus = [_Lru(_PERCPU_SCANS, evict) for _ in range(cpus)]
        self._untouched = [size // cpus] * cpus

    def pop(self, cpu: int) -> Place | None:
        """A place for a new entry of this CPU; may evict some."""
        lru = self._lrus[cpu]
        lru.rotate()
        if not lru.free.size:
            if self._untouched[cpu]:
                self._untouched[cpu] -= 1
                place = Place()
                place.cpu = cpu
                lru.free.push(place)
            else:
                lru.shrink(_PERCPU_TARGET, lru.free)
        if not lru.free.size:
            return None
        place = lru.free.head.next
        lru.move(place, lru.inactive)
        return place

    def give_back(self, place: Place) -> None:
        """A place whose entry was deleted."""
        lru = self._lrus[place.cpu]
        lru.move(place, lru.free)
