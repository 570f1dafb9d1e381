"""Helpers that tell the time, a random number, the CPU, the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpfsmt.machine.errno import EINVAL
from bpfsmt.machine.helpers.base import U32, Host

if TYPE_CHECKING:
    from bpfsmt.machine.machine import Machine

_TICK = 1000
_JIFFY = 1_000_000


class ClockHelpers(Host):
    """The clock is virtual: it goes on by a microsecond at each look."""

    def bpf_ktime_get_ns(self, m: Machine, *_: int) -> int:
        """Nanoseconds since boot."""
        self.time += _TICK
        return self.time

    bpf_ktime_get_boot_ns = bpf_ktime_get_coarse_ns = bpf_ktime_get_tai_ns = bpf_ktime_get_ns

    def bpf_jiffies64(self, m: Machine, *_: int) -> int:
        """Ticks since boot, of a kernel with 1000 of them a second."""
        return self.bpf_ktime_get_ns(m) // _JIFFY

    def bpf_get_prandom_u32(self, m: Machine, *_: int) -> int:
        """A random number of 32 bits, the same in each environment with the same seed."""
        return self.random.getrandbits(32)

    def bpf_get_smp_processor_id(self, m: Machine, *_: int) -> int:
        """The number of the CPU."""
        return self.cpu

    def bpf_get_numa_node_id(self, m: Machine, *_: int) -> int:
        """The one node there is."""
        return 0

    def bpf_get_current_pid_tgid(self, m: Machine, *_: int) -> int:
        """Process (thread group) and thread, in the two halves."""
        process, thread = self.process
        return process << 32 | thread

    def bpf_get_current_uid_gid(self, m: Machine, *_: int) -> int:
        """Group and user, in the two halves."""
        user, group = self.user
        return group << 32 | user

    def bpf_get_current_comm(self, m: Machine, buffer: int, size: int, *_: int) -> int:
        """The command's name, cut and padded with zeros: 0, or -EINVAL for no room."""
        size &= U32
        if size == 0:
            return EINVAL
        m.memory.write(buffer, self.comm.encode()[: size - 1].ljust(size, b"\0"))
        return 0

    def bpf_get_current_cgroup_id(self, m: Machine, *_: int) -> int:
        """The root of all."""
        return 1

    def bpf_get_socket_cookie(self, m: Machine, *_: int) -> int:
        """The number of the packet's socket."""
        return self.socket_cookie

    def bpf_get_netns_cookie(self, m: Machine, *_: int) -> int:
        """The number of the initial network namespace."""
        return 1

    def bpf_get_socket_uid(self, m: Machine, *_: int) -> int:
        """The user who owns the packet's socket."""
        return self.user[0]
