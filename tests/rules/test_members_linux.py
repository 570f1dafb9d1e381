"""Linux's rules on pointers, links, splits, loads, returns and whole states: tried on members."""

from __future__ import annotations

import random
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from bpfsmt.bits import s32, s64, u32, u64
from bpfsmt.domain.gamma import scalar_contains
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum
from bpfsmt.rules import rule_set, rule_set_names

from .members import around, near, number

TRIES = 300
SETS = [s for s in rule_set_names() if s.startswith("linux")]
LIMIT = 1 << 29

pytestmark = pytest.mark.parametrize("set_name", SETS)


def draws(set_name: str, seed: str) -> Iterator[tuple[random.Random, SimpleNamespace]]:
    rng = random.Random(f"{set_name}/{seed}")
    return ((rng, rule_set(set_name).ints) for _ in range(TRIES))


def some_around(rng: random.Random, i: SimpleNamespace, x: int) -> Scalar:
    """A scalar with x in it, every second one synced."""
    r = around(rng, x)
    return i.sync(r) if rng.random() < 0.5 else r


def between(rng: random.Random, i: SimpleNamespace, low: int, high: int) -> tuple[Scalar, int]:
    """The numbers low..high (signed), synced, and one of them."""
    return i.sync(UNKNOWN._replace(smin=low, smax=high)), u64(rng.randint(low, high))


def test_linked_registers(set_name: str) -> None:
    """source = base + source_off and reg = base + reg_off, or the low halves of these."""
    for rng, i in draws(set_name, "links"):
        base = number(rng)
        offs = [rng.choice([0, s32(number(rng))]) for _ in range(2)]
        if set_name == "linux-6.1":
            offs = [0, 0]  # no distances yet
        narrow = rng.random() < 0.3 and set_name == "linux-6.18"
        reg, source = ((u32 if narrow else u64)(base + off) for off in offs)
        r, s = some_around(rng, i, reg), some_around(rng, i, source)
        assert scalar_contains(i.sync_linked(r, s, *offs, narrow), reg), (base, offs, s)


def test_what_keeps_a_link_changes_nothing(set_name: str) -> None:
    kept = 0
    for rng, i in draws(set_name, "kept"):
        x, bits = number(rng), rng.choice([8, 16, 32])
        r = some_around(rng, i, x)
        cut = x & ((1 << bits) - 1)
        kept += i.fits_bits(r, bits)
        assert not i.fits_bits(r, bits) or cut == x
        assert not i.links_mov32(r) or u32(x) == x
        assert not i.links_spill(r, bits >> 3) or cut == x
        assert not i.links_movsx(r, bits) or (x >> (bits - 1)) == 0
        n = some_around(rng, i, y := near(rng, x))
        off = s32(n.var_off.value)
        assert not i.links_add(n) or u64(off) == y
        assert not i.links_sub(n) or (u64(off) == y and -(1 << 31) <= -off < 1 << 31)
        if i.links_add32(r, n) or i.links_sub32(r, n):
            assert u32(x) == x
            assert u32(off) == u32(y)
    assert kept


def test_both_halves_of_a_split(set_name: str) -> None:
    split = 0
    for rng, i in draws(set_name, "split"):
        x = rng.choice([0, u64(-1), u64(number(rng) << 32), number(rng) | 0xFFFFFFFF])
        low = UNKNOWN._replace(s32min=-1, s32max=0)
        whole = UNKNOWN._replace(smin=-1, smax=0)
        r = i.sync(whole if x in (0, u64(-1)) and rng.random() < 0.5 else low)
        assert scalar_contains(r, x)
        done, zero, ones = i.fork_scalars(r)
        split += done
        assert scalar_contains(ones, x) or (done and scalar_contains(zero, x)), (x, r)
    assert (split == TRIES) == (set_name != "linux-6.1")


def test_loads(set_name: str) -> None:
    for rng, i in draws(set_name, "loads"):
        x, size = number(rng), rng.choice([1, 2, 4, 8])
        r = some_around(rng, i, x)
        cut = x & ((1 << 8 * size) - 1)
        assert scalar_contains(i.fill(r, size), cut)
        assert scalar_contains(i.load(size), cut)
        if size < 8:
            extended = u64((cut ^ (1 << (8 * size - 1))) - (1 << (8 * size - 1)))
            assert scalar_contains(i.fill_sext(r, size), extended)
            assert scalar_contains(i.load_sext(size), extended)


def test_pointer_arithmetic(set_name: str) -> None:
    """pointer = base + off + x: a moved one is base + its off + a member of its var."""
    moved = 0
    for rng, i in draws(set_name, "pointers"):
        low = rng.randrange(-300, 70000)
        var, x = between(rng, i, low, low + rng.getrandbits(rng.randrange(18)))
        n_low = rng.choice([s32(number(rng)), rng.randrange(-300, 300), LIMIT - 1, -LIMIT])
        n, y = between(rng, i, n_low, n_low + rng.choice([0, 0, rng.randrange(500)]))
        off = rng.choice([0, 14, s32(number(rng)) >> 3, LIMIT - 1])
        for result, z in ((i.pointer_add(var, off, n), x + y), (i.pointer_sub(var, off, n), x - y)):
            if result.ok:
                moved += 1
                assert -(1 << 31) <= result.off < 1 << 31
                assert scalar_contains(result.var, u64(off + z - result.off))
                assert not result.same or u64(off + z - result.off) == x
                assert abs(result.off) < LIMIT
                assert abs(result.var.smin) < LIMIT
        assert not i.range_kept(n) or s64(y) >= 0
    assert moved > TRIES // 2


def test_accesses_stay_inside(set_name: str) -> None:
    allowed = [0, 0, 0, 0]
    for rng, i in draws(set_name, "accesses"):
        low = rng.choice([0, rng.randrange(-40, 40), s32(number(rng))])
        var, x = between(rng, i, low, low + rng.randrange(40))
        off, size = rng.choice([0, rng.randrange(-50, 50)]), rng.choice([1, 2, 4, 8])
        at = s64(x) + off
        if i.region_access_ok(var, off, size, 64):
            allowed[0] += 1
            assert 0 <= at <= at + size <= 64
        if i.packet_access_ok(var, off, size, 64):
            allowed[1] += 1
            assert s64(x) >= 0
            assert 0 <= off <= off + size <= 64
        if i.stack_access_ok(var, off - 60, size, -64):
            allowed[2] += 1
            assert -64 <= at - 60 < at - 60 + size <= 0
        if i.size_arg_ok(var, zero_ok := rng.random() < 0.5):
            allowed[3] += 1
            assert (0 if zero_ok else 1) <= s64(x) <= var.umax < LIMIT
    assert min(allowed) > TRIES // 20


def test_packet_ranges(set_name: str) -> None:
    """From ptr + room <= end follows that as many bytes are in the packet as is learnt."""
    learnt = 0
    for rng, i in draws(set_name, "packets"):
        var, x = between(rng, i, low := rng.randrange(70000), low + rng.randrange(200))
        off, room = rng.choice([0, 14, rng.randrange(-20, 70000)]), rng.randrange(2)
        end = x + off + room + rng.choice([0, 0, rng.randrange(100)])
        known = i.packet_range(var, off, room)
        learnt += known > 0
        assert known == 0 or x + known <= end
        for beyond in (False, True):  # ptr > end, or ptr >= end
            mark = i.packet_end_range(beyond)
            assert i.taken_pkt_lt(mark) == 0
            assert (i.taken_pkt_le(mark) == 0) == beyond
    assert i.taken_pkt_lt(9) == i.taken_pkt_le(9) == -1
    assert learnt > TRIES // 4


def test_returned_numbers(set_name: str) -> None:
    for rng, i in draws(set_name, "returns"):
        x = rng.randrange(-4095, 5000)
        r = some_around(rng, i, u64(x))
        assert scalar_contains(i.retval_length(r, max(0, x) + rng.randrange(9)), u64(x))
        if x >= 0:
            assert scalar_contains(i.retval_cpu(r, x + rng.randrange(1, 9)), x)
        low, high = x - rng.randrange(9), x + rng.randrange(9)
        assert scalar_contains(i.retval_range(r, low, high), u64(x))
        assert not i.retval_within(r, low, high, False) or low <= x <= high
        assert not i.retval_within(r, low, high, True) or low <= s32(x) <= high


def test_what_an_old_state_stands_for(set_name: str) -> None:
    inside = 0
    for rng, i in draws(set_name, "subsumption"):
        x = number(rng)
        new = some_around(rng, i, x)
        ends = ("umin", "umax", "smin", "smax", "u32min", "u32max", "s32min", "s32max")
        wider = {e: getattr(UNKNOWN, e) for e in ends if rng.random() < 0.5}
        old = new._replace(**wider) if rng.random() < 0.7 else some_around(rng, i, x)
        off, other = 8, rng.choice([8, 8, 12])
        ranges = rng.choice([-2, -1, 0, 20]), rng.choice([-2, -1, 0, 20, 30])
        if i.scalar_subsumes(old, new):
            inside += 1
            assert scalar_contains(old, x)
        assert not i.pointer_subsumes(old, new, off, other) or i.scalar_subsumes(old, new)
        assert not i.pointer_equal(old, new, off, other) or (old, off) == (new, other)
        if i.packet_subsumes(old, new, off, other, *ranges):
            assert scalar_contains(old, x)
            for at, size in ((0, 4), (4, 8), (16, 4), (0, 20)):
                assert not i.packet_access_ok(old, at, size, max(0, ranges[0])) or (
                    i.packet_access_ok(new, at, size, max(0, ranges[1]))
                )
    assert inside > TRIES // 4


def test_ids_of_an_old_state(set_name: str) -> None:
    """Registers that the old ids tie together are tied in the new state, but for 6.1's numbers."""
    for rng, i in draws(set_name, "ids"):
        a, b, c, d = (rng.randrange(3) for _ in range(4))
        if i.id_pairs_agree(a, b, c, d) and a == c:
            assert b == d
        if set_name == "linux-6.1":
            assert i.link_subsumes(a, False, 0, b, True, 7)
            continue
        assert i.id_pair_ok(a, b) == (bool(a) == bool(b))
        assert i.link_subsumes(0, False, 0, b, True, 7)
        if a and i.link_subsumes(a, added := rng.random() < 0.5, 5, b, rng.random() < 0.5, c):
            assert not added or c == 5


def test_contradictions_are_dropped_only_where_nothing_is_lost(set_name: str) -> None:
    for rng, i in draws(set_name, "contradictions"):
        x = number(rng)
        r = i.sync(around(rng, x))
        assert not i.contradicts(r)
        assert i.checked(r) == r
        broken = r._replace(smin=1, smax=0)
        assert i.contradicts(broken)
        if set_name == "linux-6.1":
            assert i.checked(broken) == broken
            continue
        assert i.checked(broken).var_off == r.var_off
        assert i.checked(broken).umax == u64(-1)


def test_a_register_below_itself_is_synced_twice(set_name: str) -> None:
    """``if r0 s< r0`` of 0..1: Linux 6.12 and 6.18 are left with what they had."""
    i = rule_set(set_name).ints
    bit = i.sync(UNKNOWN._replace(var_off=Tnum(0, 1)))
    left, right = i.below64_slt(bit, bit)
    assert (left.smax, right.smin) == (0, 1)
    assert i.of_itself(bit, left, right, False) == bit
    assert i.of_itself(bit, bit, bit, True) == bit


def test_packet_offsets_are_those_of_the_paper_but_for_an_empty_compare(set_name: str) -> None:
    """``ptr < end`` at offset 0 says that a byte is there; Linux does not use it."""
    i, paper = rule_set(set_name).ints, rule_set("xdp-paper").ints
    var = i.known(0)
    assert paper.packet_range(var, 0, 1) == 1
    assert i.packet_range(var, 0, 1) == 0
    assert i.packet_range(var, 14, 1) == paper.packet_range(var, 14, 1) == 15
