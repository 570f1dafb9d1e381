"""Maps in the kernel: made from a `MapDef`, read and written from user space.

Keys are bytes.  A value is bytes, too; that of a per-CPU map is one value for every possible
CPU, one behind the other (the kernel's own layout pads each to eight bytes).  Raises
`BpfError` naming the map where the kernel refuses.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import ExitStack

from bpfsmt.errors import OracleError
from bpfsmt.kernel.attrs import Command, MapBatch, MapCreate, MapElem, OnlyFd
from bpfsmt.kernel.btf import describes, key_value_btf, loaded_btf
from bpfsmt.kernel.ring import ring_records
from bpfsmt.kernel.syscall import (
    ENOTSUPP,
    BpfError,
    address,
    bpf,
    buffer_of,
    checked,
    close,
    kernel_name,
    new_buffer,
    possible_cpus,
)
from bpfsmt.kernel.target import Buffer, target
from bpfsmt.program.maptypes import MAP_TYPES
from bpfsmt.program.program import MapDef

PER_CPU = frozenset({"percpu_hash", "percpu_array", "lru_percpu_hash"})
QUEUES = frozenset({"queue", "stack"})
READABLE = PER_CPU | QUEUES | {
    "hash", "array", "lru_hash", "lpm_trie", "devmap", "devmap_hash", "cpumap", "ringbuf",
}  # fmt: skip
"""The types whose whole content user space can read, and that means the same elsewhere."""

_LOCAL_STORAGE = frozenset({"sk_storage", "inode_storage", "task_storage", "cgrp_storage"})
_RINGS = frozenset({"ringbuf", "user_ringbuf"})
_WORD = 8  # per-CPU values are padded to this
_BATCH_BYTES = 16 << 20


class KernelMap:
    """One map, which lives until `close` or the end of the ``with`` block.

    >>> from bpfsmt.kernel.syscall import available
    >>> if available() is None:
    ...     with KernelMap(MapDef("m", "hash", 4, 8, 16)) as m:
    ...         m.update(b"key1", bytes(8))
    ...         assert m.entries() == {b"key1": bytes(8)}
    """

    def __init__(self, definition: MapDef) -> None:
        self.definition = definition
        self._where = f"map {definition.name} ({definition.type})"
        self.fd = _create(definition, self._where)
        try:
            self._initialise()
        except BaseException:
            self.close()
            raise

    def _initialise(self) -> None:
        if self.definition.data is not None:
            self.update(bytes(self.definition.key_size), self.definition.data)
        if self.definition.frozen:
            checked(f"{self._where}: freezing", Command.MAP_FREEZE, OnlyFd(fd=self.fd))

    def close(self) -> None:
        """Let go of the map; the kernel frees it when nothing else uses it."""
        if self.fd >= 0:
            close(self.fd)
            self.fd = -1

    def __enter__(self) -> KernelMap:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Single entries ----------------------------------------------------------------

    def lookup(self, key: bytes) -> bytes | None:
        """The value of a key, `None` where there is none."""
        value = new_buffer(self._stride * self._copies)
        try:
            self._element(Command.MAP_LOOKUP_ELEM, key, value, "lookup")
        except BpfError as error:
            if error.errno == errno.ENOENT:
                return None
            raise
        return self._without_padding(value.raw)

    def update(self, key: bytes, value: bytes, flags: int = 0) -> None:
        """Store a value; one for a single CPU goes to all of them."""
        self._element(
            Command.MAP_UPDATE_ELEM, key, buffer_of(self._with_padding(value)), "update", flags
        )

    def delete(self, key: bytes) -> bool:
        """Take a key out; False if it was not there."""
        try:
            self._element(Command.MAP_DELETE_ELEM, key, None, "delete")
        except BpfError as error:
            if error.errno == errno.ENOENT:
                return False
            raise
        return True

    def push(self, value: bytes, flags: int = 0) -> None:
        """Put a value into a queue or onto a stack."""
        self.update(b"", value, flags)

    def pop(self) -> bytes | None:
        """Take out the next value of a queue or a stack; `None` if it is empty."""
        value = new_buffer(self.definition.value_size)
        try:
            self._element(Command.MAP_LOOKUP_AND_DELETE_ELEM, b"", value, "pop")
        except BpfError as error:
            if error.errno == errno.ENOENT:
                return None
            raise
        return value.raw

    def put_fd(self, key: bytes, fd: int) -> None:
        """Store a program in a prog_array, or a map in a map of maps, by its descriptor."""
        self.update(key, fd.to_bytes(4, "little"))

    def _element(
        self, command: Command, key: bytes, value: Buffer | None, what: str, flags: int = 0
    ) -> None:
        wanted = self.definition.key_size
        if len(key) != wanted:
            raise OracleError(f"{self._where}: a key of {len(key)} bytes, not {wanted}")
        name = buffer_of(key)
        attr = MapElem(map_fd=self.fd, key=address(name), value=address(value), flags=flags)
        checked(f"{self._where}: {what}", command, attr)

    # All entries -------------------------------------------------------------------

    def entries(self) -> dict[bytes, bytes]:
        """The whole content.

        The elements of a queue, a stack or a ring buffer are at 0, 1, ... (4 bytes, little
        endian) in the order in which they come out; they stay where they are.
        """
        if self.definition.type in QUEUES:
            return _numbered(self._peek_all())
        if self.definition.type == "ringbuf":
            return _numbered(ring_records(self.fd, _max_entries(self.definition)))
        if not self.definition.key_size:
            raise OracleError(f"{self._where}: has no entries to read")
        found = self._batched()
        if found is None:
            values_of = ((key, self.lookup(key)) for key in list(self.keys()))
            found = {key: value for key, value in values_of if value is not None}
        return found

    def keys(self) -> Iterator[bytes]:
        """Every key, in the kernel's order; of an array, every index."""
        size = self.definition.key_size
        following = new_buffer(size)
        current = None
        while True:
            attr = MapElem(map_fd=self.fd, key=address(current), value=address(following))
            result = bpf(Command.MAP_GET_NEXT_KEY, attr)
            if result == -errno.ENOENT:
                return
            if result < 0:
                raise BpfError(f"{self._where}: next key", -result)
            yield following.raw
            current = buffer_of(following.raw)

    def _peek_all(self) -> list[bytes]:
        values = list(iter(self.pop, None))
        for value in reversed(values) if self.definition.type == "stack" else values:
            self.push(value)
        return values

    def _batched(self) -> dict[bytes, bytes] | None:
        """The content by few calls; `None` where the kernel cannot do that for this type."""
        key_size, stride = self.definition.key_size, self._stride * self._copies
        room = min(self.definition.max_entries, _BATCH_BYTES // (key_size + stride) + 1)
        found: dict[bytes, bytes] = {}
        place, following = None, new_buffer(max(key_size, 4))
        while True:
            keys, values = new_buffer(room * key_size), new_buffer(room * stride)
            attr = MapBatch(
                in_batch=address(place), out_batch=address(following), keys=address(keys),
                values=address(values), count=room, map_fd=self.fd,
            )  # fmt: skip
            result = bpf(Command.MAP_LOOKUP_BATCH, attr)
            if result == -errno.ENOSPC:  # one bucket of a hash has more entries than that
                room *= 2
                continue
            if result in (-ENOTSUPP, -errno.EOPNOTSUPP, -errno.EINVAL) and place is None:
                return None
            if result < 0 and result != -errno.ENOENT:
                raise BpfError(f"{self._where}: lookup of all", -result)
            names, contents = keys.raw, values.raw
            for n in range(attr.count):
                value = contents[n * stride : (n + 1) * stride]
                found[names[n * key_size : (n + 1) * key_size]] = self._without_padding(value)
            if result == -errno.ENOENT:
                return found
            place = buffer_of(following.raw)

    # Per-CPU values ----------------------------------------------------------------

    @property
    def _copies(self) -> int:
        return possible_cpus() if self.definition.type in PER_CPU else 1

    @property
    def _stride(self) -> int:
        size = self.definition.value_size
        return -(-size // _WORD) * _WORD if self.definition.type in PER_CPU else size

    def _with_padding(self, value: bytes) -> bytes:
        size, copies = self.definition.value_size, self._copies
        if len(value) == size:
            value = value * copies
        if len(value) != size * copies:
            expected = f"{size}" if copies == 1 else f"{size} or {copies} times {size}"
            raise OracleError(f"{self._where}: a value of {len(value)} bytes, not {expected}")
        gap = bytes(self._stride - size)
        return b"".join(value[n * size : (n + 1) * size] + gap for n in range(copies))

    def _without_padding(self, values: bytes) -> bytes:
        size, stride = self.definition.value_size, self._stride
        if size == stride:
            return values
        return b"".join(values[at : at + size] for at in range(0, len(values), stride))


def _numbered(values: list[bytes]) -> dict[bytes, bytes]:
    return {n.to_bytes(4, "little"): value for n, value in enumerate(values)}


def _create(definition: MapDef, where: str) -> int:
    """A new map's descriptor."""
    if definition.type == "struct_ops":
        raise OracleError(f"{where}: needs types of the kernel, which is not supported")
    attr = MapCreate(
        map_type=MAP_TYPES.index(definition.type), key_size=definition.key_size,
        value_size=definition.value_size, max_entries=_max_entries(definition),
        map_flags=definition.flags, map_name=kernel_name(definition.name),
    )  # fmt: skip
    with ExitStack() as stack:
        if definition.inner is not None:
            attr.inner_map_fd = stack.enter_context(KernelMap(definition.inner)).fd
        fields = definition.fields if describes(definition.fields) else ()
        if definition.type in _LOCAL_STORAGE or fields:
            blob, key, value = key_value_btf(definition.key_size, definition.value_size, fields)
            attr.btf_fd = stack.enter_context(loaded_btf(blob))
            attr.btf_key_type_id, attr.btf_value_type_id = key, value
        return checked(f"{where}: creating", Command.MAP_CREATE, attr)


def _max_entries(definition: MapDef) -> int:
    """The number of entries, made such as the kernel takes, as libbpf does it."""
    wanted = definition.max_entries
    if definition.type == "perf_event_array" and wanted == 0:
        return possible_cpus()
    if definition.type in _RINGS:  # whole pages, a power of 2
        page = target().page_bytes
        return max(page, 1 << (wanted - 1).bit_length()) if wanted else page
    return wanted
