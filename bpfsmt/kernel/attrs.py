"""``union bpf_attr``: the arguments of each command of bpf(2), as far as they are used here.

Layout: ``include/uapi/linux/bpf.h``, Linux 6.18.  A kernel that does not know the last
fields of one takes it all the same while they are 0.
"""

from __future__ import annotations

import ctypes
from enum import IntEnum

u32, u64 = ctypes.c_uint32, ctypes.c_uint64


class Command(IntEnum):
    """Commands of bpf(2): ``enum bpf_cmd``."""

    MAP_CREATE = 0
    MAP_LOOKUP_ELEM = 1
    MAP_UPDATE_ELEM = 2
    MAP_DELETE_ELEM = 3
    MAP_GET_NEXT_KEY = 4
    PROG_LOAD = 5
    PROG_TEST_RUN = 10
    OBJ_GET_INFO_BY_FD = 15
    BTF_LOAD = 18
    MAP_LOOKUP_AND_DELETE_ELEM = 21
    MAP_FREEZE = 22
    MAP_LOOKUP_BATCH = 24


class MapCreate(ctypes.Structure):
    """MAP_CREATE: sizes in bytes; ``inner_map_fd`` is the template of a map of maps."""

    _fields_ = (
        ("map_type", u32), ("key_size", u32), ("value_size", u32), ("max_entries", u32),
        ("map_flags", u32), ("inner_map_fd", u32), ("numa_node", u32),
        ("map_name", ctypes.c_char * 16), ("map_ifindex", u32), ("btf_fd", u32),
        ("btf_key_type_id", u32), ("btf_value_type_id", u32), ("btf_vmlinux_value_type_id", u32),
        ("map_extra", u64),
    )  # fmt: skip


class MapElem(ctypes.Structure):
    """MAP_*_ELEM and MAP_GET_NEXT_KEY: ``value`` is the next key in the latter."""

    _fields_ = (("map_fd", u32), ("key", u64), ("value", u64), ("flags", u64))


class MapBatch(ctypes.Structure):
    """MAP_LOOKUP_BATCH: ``count`` is room on the way in and entries on the way out."""

    _fields_ = (
        ("in_batch", u64), ("out_batch", u64), ("keys", u64), ("values", u64), ("count", u32),
        ("map_fd", u32), ("elem_flags", u64), ("flags", u64),
    )  # fmt: skip


class OnlyFd(ctypes.Structure):
    """MAP_FREEZE."""

    _fields_ = (("fd", u32),)


class ProgLoad(ctypes.Structure):
    """PROG_LOAD.  ``log_true_size`` is an answer (since Linux 6.4): what the log needs."""

    _fields_ = (
        ("prog_type", u32), ("insn_cnt", u32), ("insns", u64), ("license", u64),
        ("log_level", u32), ("log_size", u32), ("log_buf", u64), ("kern_version", u32),
        ("prog_flags", u32), ("prog_name", ctypes.c_char * 16), ("prog_ifindex", u32),
        ("expected_attach_type", u32), ("prog_btf_fd", u32), ("func_info_rec_size", u32),
        ("func_info", u64), ("func_info_cnt", u32), ("line_info_rec_size", u32),
        ("line_info", u64), ("line_info_cnt", u32), ("attach_btf_id", u32),
        ("attach_prog_fd", u32), ("core_relo_cnt", u32), ("fd_array", u64), ("core_relos", u64),
        ("core_relo_rec_size", u32), ("log_true_size", u32),
    )  # fmt: skip


class ProgRun(ctypes.Structure):
    """PROG_TEST_RUN: sizes in bytes, ``duration`` in nanoseconds for one repetition."""

    _fields_ = (
        ("prog_fd", u32), ("retval", u32), ("data_size_in", u32), ("data_size_out", u32),
        ("data_in", u64), ("data_out", u64), ("repeat", u32), ("duration", u32),
        ("ctx_size_in", u32), ("ctx_size_out", u32), ("ctx_in", u64), ("ctx_out", u64),
        ("flags", u32), ("cpu", u32), ("batch_size", u32),
    )  # fmt: skip


class BtfLoad(ctypes.Structure):
    """BTF_LOAD."""

    _fields_ = (
        ("btf", u64), ("btf_log_buf", u64), ("btf_size", u32), ("btf_log_size", u32),
        ("btf_log_level", u32), ("btf_log_true_size", u32),
    )  # fmt: skip
