"""``bpfsmt run``: packets in, answers, changes, maps and claims out; bad input in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bpfsmt.network.capture import Captured, read_capture, write_capture
from bpfsmt.network.frames import frame, ip, udp
from bpfsmt.network.runner import Runner
from bpfsmt.network.traffic import generate

from .common import ACCEPTED, CARRY, PLANTED_BUG, REJECTED, UNSUPPORTED, bpfsmt, written

PROGRAMS = Path(__file__).parents[2] / "bench_programs"
L3FWD = PROGRAMS / "xdp" / "xdp_l3fwd.o"
BLACKLIST = PROGRAMS / "xdp" / "xdp_ddos_blacklist.o"
FRAME = frame(ip("10.0.0.1", "192.0.2.9", udp(4000, 53, b"hello")))

ROUTES = """[[["u32:24", "192.0.2.0"],
              ["02:00:00:00:00:aa", "02:00:00:00:00:bb", "u32:3"]]]"""


def routed(folder: Path) -> list[str]:
    """Options that give the router a route out of interface 7."""
    routes = written(folder, "routes.json", ROUTES)
    ports = written(folder, "ports.json", '{"3": 7}')
    return ["--map", f"routes={routes}", "--map", f"tx_ports={ports}"]


def test_what_a_router_does_with_a_packet(tmp_path: Path) -> None:
    result = bpfsmt("run", L3FWD, "--hex", FRAME.hex(), *routed(tmp_path))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:6] == [
        "    1  XDP_REDIRECT to port 7 (tx_ports[3])  47 bytes, "
        "ip 10.0.0.1 > 192.0.2.9, udp 4000 > 53",
        "         eth.dst: 02:00:00:00:00:02 -> 02:00:00:00:00:bb",
        "         eth.src: 02:00:00:00:00:01 -> 02:00:00:00:00:aa",
        "         ip.ttl: 64 -> 63",
        "         ip.sum: 0xaec2 -> 0xafc2",
        "1 packet: 1 XDP_REDIRECT; 62 instructions",
    ]
    assert "map forwarded (percpu_array): 1 entry not zero" in result.stdout
    assert "  03000000 (3): 0100000000000000 (1)" in result.stdout


def test_captures_in_and_out(tmp_path: Path) -> None:
    source, target = tmp_path / "in.pcap", tmp_path / "out.pcap"
    traffic = generate("mixed:30,dst=192.0.2.0/24") + generate("tcp:10,src=198.18.0.1")
    start = 1_700_000_000_000_000_000
    frames = [Captured(start + n, each) for n, each in enumerate(traffic)]
    write_capture(source, frames)
    blocked = written(tmp_path, "bad.json", '[["198.18.0.1", 0]]')
    arguments = ("--packet", source, "--out", target, "--map", f"blacklist={blocked}", "--json")
    result = bpfsmt("run", BLACKLIST, *arguments)
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    passed = [each["number"] - 1 for each in found["packets"] if each["action"] == "XDP_PASS"]
    assert len(passed) == found["actions"]["XDP_PASS"] == 30
    assert read_capture(target) == [frames[number] for number in passed]


def test_json_has_everything(tmp_path: Path) -> None:
    arguments = ("--hex", FRAME.hex(), "--json", "--trace", "--check", *routed(tmp_path))
    found = json.loads(bpfsmt("run", L3FWD, *arguments).stdout)
    (packet,) = found.pop("packets")
    assert packet["in"] == FRAME.hex()
    assert packet["out"][:24] == "0200000000bb0200000000aa"
    assert packet["redirect"] == "port 7 (tx_ports[3])"
    assert packet["changes"][2] == "ip.ttl: 64 -> 63"
    assert (packet["refuted"], packet["goes_on"], packet["instructions"]) == ([], True, 62)
    assert len(packet["trace"]) == found["checked"] == 62
    step = packet["trace"][4]
    assert (step["pc"], step["instruction"]) == (4, "r1 += 34")
    assert step["registers"][0]["value"] == "packet+0"
    assert found["maps"]["tx_ports"]["entries"] == [
        {"key": "03000000 (3)", "value": "07000000 (7)"}
    ]
    assert (found["verdict"], found["rules"]) == ("accept", "xdp-paper")


def test_the_trace_beside_the_claims() -> None:
    result = bpfsmt("run", L3FWD, "--hex", FRAME.hex(), "--trace")
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["R1", "=", "ctx+0", "claimed", "ctx()"]
    at = next(n for n, line in enumerate(lines) if line.endswith(": r1 = r7"))
    assert lines[at - 1].split() == ["R7", "=", "packet+0", "claimed", "pkt(r=0)"]
    assert any(line.split()[:4] == ["R1", "=", "map", "routes"] for line in lines)


def test_checked_claims_hold() -> None:
    result = bpfsmt("run", BLACKLIST, "--generate", "mixed:40", "--check", "-q")
    assert result.exit_code == 0
    assert "steps checked, 0 claims refuted" in result.stdout


def test_checked_up_to_a_tail_call(tmp_path: Path) -> None:
    stages = written(tmp_path, "s.json", json.dumps({"2": str(PROGRAMS / "xdp/xdp_meta_read.o")}))
    arguments = ("--hex", FRAME.hex(), "--map", f"stages={stages}", "--check")
    result = bpfsmt("run", PROGRAMS / "xdp" / "xdp_meta_mark.o", *arguments)
    assert result.exit_code == 0
    assert "map stages (prog_array): 1 entry not zero" in result.stdout
    assert "02000000 (2): program xdp_meta_read" in result.stdout
    assert "map spread (percpu_array): 1 entry not zero" in result.stdout


def test_a_false_claim_is_refuted() -> None:
    """The planted bug: a sum of tnums that forgets the carries."""
    result = bpfsmt("run", CARRY, "--rules", PLANTED_BUG, "--hex", "01", "--check", "-q")
    assert result.exit_code == 1
    assert "refuted: step 8, pc 8: R5 is claimed 1, is 0x2" in result.stdout
    assert "3 claims refuted" in result.stdout
    assert bpfsmt("run", CARRY, "--hex", "01", "--check").exit_code == 0


CARRIED_AWAY = """
    r2 = *(u32 *)(r1 + 0)
    r3 = *(u32 *)(r1 + 4)
    r4 = r2
    r4 += 1
    r0 = 0
    if r4 > r3 goto out
    r5 = *(u8 *)(r2 + 0)
    r5 &= 1
    r5 += 1
    r5 += -1            ; 0 or 1; with the planted bug: 0
    r2 += r5
    r0 = *(u8 *)(r2 + 0)
out:
    exit
"""


def test_an_accepted_program_that_goes_wrong(tmp_path: Path) -> None:
    file = written(tmp_path, "away.bpfasm", CARRIED_AWAY)
    right = bpfsmt("run", file, "--hex", "01")
    assert right.exit_code == 2
    assert "away: rejected at 11" in right.stderr
    wrong = bpfsmt("run", file, "--rules", PLANTED_BUG, "--hex", "01", "--hex", "00", "-q")
    assert wrong.exit_code == 1
    assert "1  pc 11: read of 1 bytes at" in wrong.stdout


def test_a_rejected_program(tmp_path: Path) -> None:
    file = written(tmp_path, "bad.bpfasm", REJECTED)
    result = bpfsmt("run", file, "--hex", "00")
    assert result.exit_code == 2
    assert result.stderr.startswith("bpfsmt: bad: rejected at 0 by xdp-paper: R0 is read")
    assert result.stdout == ""
    assert bpfsmt("run", file, "--hex", "00", "--unverified").exit_code == 0
    checked = bpfsmt("run", file, "--hex", "00", "--unverified", "--check")
    assert checked.exit_code == 2
    assert "has no claims to check" in checked.stderr


def test_what_is_not_modelled(tmp_path: Path) -> None:
    file = written(tmp_path, "x.bpfasm", "call bpf_get_stackid\nexit\n")
    result = bpfsmt("run", file, "--hex", "00", "--unverified")
    assert result.exit_code == 3
    assert "bpf_get_stackid is not modelled" in result.stdout


def test_no_end(tmp_path: Path) -> None:
    file = written(tmp_path, "x.bpfasm", "again:\ngoto again\nexit\n")
    result = bpfsmt("run", file, "--hex", "00", "--unverified")
    assert result.exit_code == 3
    assert "no end after 1000000 instructions" in result.stdout


@pytest.mark.parametrize(
    ("kind", "text", "answer"),
    [
        ("sched_cls", "r0 = 2\nexit", "TC_ACT_SHOT"),
        ("cgroup_skb", "r0 = 1\nexit", "PASS"),
        ("socket_filter", "r0 = *(u32 *)(r1 + 0)\nexit", "PASS 33"),  # from the IP header on
        ("xdp", "r0 = 9\nexit", "XDP_ABORTED (answer 9)"),
    ],
)
def test_types_of_programs(tmp_path: Path, kind: str, text: str, answer: str) -> None:
    file = written(tmp_path, "x.bpfasm", text)
    result = bpfsmt("run", file, "--type", kind, "--hex", FRAME.hex())
    assert result.exit_code == 0
    assert result.stdout.startswith(f"    1  {answer}  47 bytes")


def test_routes_for_fib_lookup(tmp_path: Path) -> None:
    routes = written(tmp_path, "r.json", json.dumps({
        "devices": [{"index": 1, "mac": "02:00:00:00:00:01"},
                    {"index": 2, "mac": "02:00:00:00:00:02"}],
        "routes": [{"prefix": "192.0.2.0/24", "device": 2, "via": "203.0.113.1"}],
        "neighbours": [{"address": "203.0.113.1", "device": 2, "mac": "02:00:00:00:00:99"}],
    }))  # fmt: skip
    ports = written(tmp_path, "p.json", '{"2": 2}')
    arguments = ("--routes", routes, "--map", f"tx_ports={ports}", "--hex", FRAME.hex())
    result = bpfsmt("run", PROGRAMS / "xdp" / "xdp_fib_fwd.o", *arguments)
    assert "XDP_REDIRECT to port 2 (tx_ports[2])" in result.stdout
    assert "eth.dst: 02:00:00:00:00:02 -> 02:00:00:00:00:99" in result.stdout


def test_the_clock_follows_the_capture(tmp_path: Path) -> None:
    """A token bucket that lets one packet a second through."""
    source = tmp_path / "in.pcap"
    second = 1_000_000_000
    times = (0, second // 10, 2 * second)
    write_capture(source, [Captured(1_700_000_000 * second + t, FRAME) for t in times])
    text = "call bpf_ktime_get_ns\nr0 /= 1000000000\nexit"
    file = written(tmp_path, "clock.bpfasm", text)
    found = json.loads(bpfsmt("run", file, "--packet", source, "--json").stdout)
    assert [each["answer"] for each in found["packets"]] == [1, 1, 3]


def test_metadata_in_front(tmp_path: Path) -> None:
    drop = written(tmp_path, "a.json", '{"53": 1}')
    arguments = ("--meta", "07000000 0200 3500", "--map", f"port_actions={drop}", "--hex", "00")
    result = bpfsmt("run", PROGRAMS / "xdp" / "xdp_meta_read.o", *arguments)
    assert result.stdout.splitlines()[:2] == [
        "    1  XDP_DROP  1 bytes",
        "         metadata: 0700000002003500",
    ]
    assert bpfsmt("run", CARRY, "--hex", "00", "--meta", "00" * 257).exit_code == 2


def test_printed_lines(tmp_path: Path) -> None:
    text = """
        r1 = 0x0a6968 ll
        *(u64 *)(r10 - 8) = r1
        r1 = r10
        r1 += -8
        r2 = 4
        call bpf_trace_printk
        r0 = 2
        exit
    """
    result = bpfsmt("run", written(tmp_path, "x.bpfasm", text), "--hex", "00")
    assert "printed: hi" in result.stdout


def test_records_for_user_space(tmp_path: Path) -> None:
    every = written(tmp_path, "s.json", '[[0, ["u64:2", "zero:16"]]]')
    arguments = ("--map", f"states={every}", "--generate", "udp:4,size=20", "--json")
    found = json.loads(bpfsmt("run", PROGRAMS / "xdp" / "xdp_sample.o", *arguments).stdout)
    assert [len(packet["records"]) for packet in found["packets"]] == [0, 1, 0, 1]
    (record,) = found["packets"][1]["records"]
    assert record["map"] == "records"
    assert record["data"].endswith(found["packets"][1]["in"])  # the head of the packet


def test_an_array_of_which_little_is_used(tmp_path: Path) -> None:
    text = """
        .map large type=array key=4 value=8 entries=2000000000
        .map each type=percpu_array key=4 value=8 entries=2000000000
        {lookup}
        r0 = 2
        exit
    """
    lookup = "".join(
        f"*(u32 *)(r10 - 4) = {index}\nr1 = map[{name}]\nr2 = r10\nr2 += -4\n"
        f"call bpf_map_lookup_elem\nif r0 == 0 goto +2\nr1 = {index}\n*(u64 *)(r0 + 0) = r1\n"
        for name in ("large", "each") for index in (1999999999, 5)
    )  # fmt: skip
    file = written(tmp_path, "x.bpfasm", text.format(lookup=lookup))
    result = bpfsmt("run", file, "--hex", "00")
    assert "map large (array): 2 entries not zero\n  05000000 (5): 05" in result.stdout
    assert "map each (percpu_array): 2 entries not zero\n  05000000 (5): 05" in result.stdout


def test_interrupted_with_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Runner.feed

    def once(runner: Runner, *arguments: Any) -> Any:
        if runner.frames == 2:
            raise KeyboardInterrupt
        return feed(runner, *arguments)

    monkeypatch.setattr(Runner, "feed", once)
    out = tmp_path / "out.pcap"
    result = bpfsmt("run", BLACKLIST, "--generate", "udp:5", "--out", out)
    assert (result.exit_code, result.stderr) == (130, "bpfsmt: interrupted\n")
    assert "2 packets: 2 XDP_PASS" in result.stdout
    assert len(read_capture(out)) == 2


# Bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "arguments", "why"),
    [
        ({}, ["--hex", "0g"], "--hex '0g': no bytes in hexadecimal"),
        ({}, ["--generate", "nonsense:3"], "traffic 'nonsense:3': no kind 'nonsense'"),
        ({}, [], "No packets"),
        ({}, ["--packet", "none.pcap"], "none.pcap: No such file or directory"),
        ({"x.pcap": "no capture"}, ["--packet", "x.pcap"], "x.pcap: neither pcap nor pcapng"),
        ({}, ["--hex", "00", "--map", "nothing"], "NAME=FILE.json is wanted"),
        ({}, ["--hex", "00", "--map", "none=x.json"], "no map 'none' (there are: forwarded"),
        ({}, ["--hex", "00", "--map", "routes=x.json"], "x.json: map routes: No such file"),
        ({"x.json": "{"}, ["--hex", "00", "--map", "routes=x.json"], "map routes: no JSON"),
        ({"x.json": "3"}, ["--hex", "00", "--map", "routes=x.json"], "neither a list of"),
        ({"x.json": '[["0x00", 1]]'}, ["--hex", "00", "--map", "routes=x.json"],
         "x.json: map routes: entry 1: '0x00' has 1 bytes, not 8"),
        ({"x.json": '[["u32:3", 7], ["u32:4", "0x01"]]'},
         ["--hex", "00", "--map", "tx_ports=x.json"],
         "x.json: map tx_ports: entry 2: '0x01' has 1 bytes, not 4"),
        ({"x.json": '{"64": 1}'}, ["--hex", "00", "--map", "tx_ports=x.json"],
         "x.json: map tx_ports: entry 1: update of 40000000: E2BIG"),
        ({"x.json": "[1]"}, ["--hex", "00", "--map", "tx_ports=x.json"], "1 is no [key, value]"),
        ({"x.json": "[]"}, ["--hex", "00", "--routes", "x.json"], "x.json: no object with"),
        ({"x.json": '{"routes": [{"prefix": "10.0.0.1/8"}]}'},
         ["--hex", "00", "--routes", "x.json"], "routes, entry 1: route: 10.0.0.1/8 has host bits"),
        ({"x.json": '{"devices": [{"index": 1}]}'}, ["--hex", "00", "--routes", "x.json"],
         "devices, entry 1: mac is missing"),
        ({}, ["--hex", "00", "--out", "none/out.pcap"], "none/out.pcap: No such file"),
        ({}, ["--hex", "00", "--ifindex", "0"], "--ifindex"),
        ({}, ["--hex", "00", "--program", "other"], "no program 'other' (there are: xdp_l3fwd)"),
        ({}, ["--hex", "00", "--rules", "nope"], "no rule set 'nope'"),
    ],
)  # fmt: skip
def test_bad_input(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    arguments: list[str],
    why: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in files.items():
        written(tmp_path, name, text)
    result = bpfsmt("run", L3FWD, *arguments)
    assert result.exit_code == 2
    assert why in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    if not result.stderr.startswith("Usage"):
        assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("call 9999\nexit\n", "There is no helper 9999"),
        (UNSUPPORTED, "x: not supported at 1 by xdp-paper"),
        (".type kprobe\nr0 = 0\nexit\n", "a program of type kprobe runs on no packets"),
    ],
)
def test_what_does_not_load(tmp_path: Path, text: str, why: str) -> None:
    result = bpfsmt("run", written(tmp_path, "x.bpfasm", text), "--hex", "00")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert why in result.stderr


def test_nothing_is_written_if_the_program_is_rejected(tmp_path: Path) -> None:
    out = tmp_path / "out.pcap"
    file = written(tmp_path, "bad.bpfasm", REJECTED)
    assert bpfsmt("run", file, "--hex", "00", "--out", out).exit_code == 2
    assert not out.exists()
    assert bpfsmt("run", written(tmp_path, "ok.bpfasm", ACCEPTED), "--hex", "00", "--out",
                  out).exit_code == 0  # fmt: skip
    assert [each.data for each in read_capture(out)] == [b"\0"]
