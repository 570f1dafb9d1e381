"""Helpers on the elements of maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpfsmt.machine.errno import EINVAL, ENOENT, EOPNOTSUPP
from bpfsmt.machine.helpers.base import U32, Host
from bpfsmt.machine.maps import ArrayState, NestedState, QueueState
from bpfsmt.machine.maps.hash import HashState, PercpuHashState
from bpfsmt.machine.maps.lru_hash import LruHashState
from bpfsmt.machine.memory import Fault

if TYPE_CHECKING:
    from bpfsmt.machine.machine import Machine

_ITERABLE = (ArrayState, HashState, PercpuHashState, LruHashState)


class ElementHelpers(Host):
    """Lookup, update, delete; queues and stacks; iteration."""

    def bpf_map_lookup_elem(self, m: Machine, handle: int, key: int, *_: int) -> int:
        """The address of the value, of an inner map that map itself, or 0."""
        state = m.map_state(handle)
        name = m.memory.read(key, state.definition.key_size)
        if isinstance(state, NestedState):
            inner = state.inner(name)
            return 0 if inner is None else m.map_address(inner)
        value = state.lookup(name, self.cpu)
        return 0 if value is None else m.value_address(state, value)

    def bpf_map_lookup_percpu_elem(
        self, m: Machine, handle: int, key: int, cpu: int, *_: int
    ) -> int:
        """The address of another CPU's value, or 0."""
        state = m.map_state(handle)
        name = m.memory.read(key, state.definition.key_size)
        cpu &= U32
        value = state.lookup(name, cpu) if state.per_cpu and cpu < self.cpus else None
        return 0 if value is None else m.value_address(state, value)

    def bpf_map_update_elem(
        self, m: Machine, handle: int, key: int, value: int, flags: int, _: int
    ) -> int:
        """Store a copy of the value: 0 or a negative error number."""
        state = m.map_state(handle)
        name = m.memory.read(key, state.definition.key_size)
        content = m.memory.read(value, state.definition.value_size)
        return state.update(name, content, flags, self.cpu)

    def bpf_map_delete_elem(self, m: Machine, handle: int, key: int, *_: int) -> int:
        """Take out a key: 0 or a negative error number."""
        state = m.map_state(handle)
        return state.delete(m.memory.read(key, state.definition.key_size))

    # Queues and stacks -----------------------------------------------------------------

    def _queue(self, m: Machine, handle: int) -> QueueState | None:
        state = m.map_state(handle)
        return state if isinstance(state, QueueState) else None

    def bpf_map_push_elem(self, m: Machine, handle: int, value: int, flags: int, *_: int) -> int:
        """Store a copy of the value: 0 or a negative error number."""
        queue = self._queue(m, handle)
        if queue is None:
            return EOPNOTSUPP
        return queue.push(m.memory.read(value, queue.definition.value_size), flags)

    def bpf_map_pop_elem(self, m: Machine, handle: int, value: int, *_: int) -> int:
        """Take out the next value: 0, or -ENOENT and zeros."""
        queue = self._queue(m, handle)
        return EOPNOTSUPP if queue is None else self._give(m, queue, value, queue.pop())

    def bpf_map_peek_elem(self, m: Machine, handle: int, value: int, *_: int) -> int:
        """Copy the next value, which stays: 0, or -ENOENT and zeros."""
        queue = self._queue(m, handle)
        return EOPNOTSUPP if queue is None else self._give(m, queue, value, queue.peek())

    def _give(self, m: Machine, queue: QueueState, to: int, found: bytes | None) -> int:
        m.memory.write(to, bytes(queue.definition.value_size) if found is None else found)
        return ENOENT if found is None else 0

    # Callbacks -------------------------------------------------------------------------

    def bpf_for_each_map_elem(
        self, m: Machine, handle: int, callback: int, ctx: int, flags: int, _: int
    ) -> int:
        """Call a function on each element until it returns 1: how many it was called on."""
        state = m.map_state(handle)
        if flags or not isinstance(state, _ITERABLE):
            return EINVAL
        count = 0
        for name in list(state.keys()):
            value = state.lookup(name, self.cpu)
            if value is None:
                continue
            count += 1
            key = m.memory.add("stack", bytearray(name), name="key", writable=False)
            address = m.value_address(state, value)
            stop = m.call(callback, handle, key.base, address, ctx)
            m.memory.drop(key)
            if stop:
                break
        return count

    # Locks -----------------------------------------------------------------------------

    def bpf_spin_lock(self, m: Machine, lock: int, *_: int) -> int:
        """Take the lock, which must be free: nobody else runs who could free it."""
        self._lock_word(m, lock)
        if m.lock:
            raise Fault("helper call", why="a second lock is taken: nobody can free the first")
        m.lock = lock
        return 0

    def bpf_spin_unlock(self, m: Machine, lock: int, *_: int) -> int:
        """Free the lock, which must be taken."""
        self._lock_word(m, lock)
        if m.lock != lock:
            raise Fault("helper call", why="the lock is not taken")
        m.lock = 0
        return 0

    def _lock_word(self, m: Machine, lock: int) -> None:
        region, _at = m.memory.find(lock, 4, write=True)
        if region.kind != "map_value":
            raise Fault("helper call", lock, 4, region.name, "a lock lies in a map's value")
