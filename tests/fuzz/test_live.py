"""What a running campaign shows: rate, accepted, coverage, findings, in the width that there is."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from rich.console import Console

from bpfsmt.cli.fuzz_live import picture
from bpfsmt.fuzz.campaign import Campaign, Plan
from bpfsmt.fuzz.finding import Found, Key, Oracle, Shown
from bpfsmt.fuzz.reached import Reached
from bpfsmt.fuzz.source import drawn
from bpfsmt.fuzz.store import Store
from bpfsmt.generate.coverage import Coverage
from bpfsmt.program import load_asm
from bpfsmt.rules import rule_set

from .common import outcome, settings

LONG = "a/rule/file/with/a/name/that/is/far/too/long/for/a/line/of/a/terminal.py"


def shown(width: int, *, seconds: float | None = None) -> list[str]:
    """The lines for a campaign with two findings, of which one is known."""
    plan = Plan(settings("machine"), ("linux-6.18", LONG), 2000, seconds)
    campaign = Campaign(plan, Store(None, {}), lambda _: None)
    program = load_asm("r0 = 0\nexit", "x")
    key = Key("run", "alu64_add", "tnum")
    for n, cause in enumerate(("", "known")):
        found = Found("linux-6.18", 0, n, program, Shown(key, Oracle.MACHINE, 0, "", cause=cause))
        campaign.small[found.same] = found.place
    campaign.counts["linux-6.18"] = Counter(
        {"programs": 1250, "accepted": 1200, "runs": 10**6, "steps": 10**8, "z3 proved": 10**5,
         "kernel loads": 10**6, "kernel runs": 10**6}
    )  # fmt: skip
    campaign.reached["linux-6.18"] = Reached(0b1011, 265, 0b11, 606)
    campaign.here, campaign.waiting = 1250, 2
    campaign.started -= 100
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=True, color_system=None)
    console.print(picture(campaign, width))
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_longer_than_the_terminal_is_wide(width: int) -> None:
    lines = shown(width)
    assert len(lines) == 6
    assert all(len(line) <= width for line in lines)


def test_everything_is_told() -> None:
    whole, head, mine, other, *asked = shown(80)
    assert whole.split("  ") == ["campaign", "100 s", "12.5 programs/s", "2 to be made small"]
    said = [" ".join(line.split()) for line in (head, mine, other)]
    assert said[0] == "rules programs accepted rules run branches known findings"
    assert said[1] == "linux-6.18 1250/2000 96 % 3/265 2/606 1 1"
    assert said[2].endswith("… 0/2000 - 0/0 0/0 0 0")
    assert asked[0].startswith("linux-6.18: 1000000 runs, 100000000 steps, 100000 obligations")
    assert "finishing" in shown(80, seconds=90)[0]
    assert "100 s of 110" in shown(80, seconds=110)[0]


def test_a_batch_reaches_what_its_programs_do() -> None:
    made = settings("machine", size=6)
    rules = rule_set("linux-6.18")
    first, second = (outcome("linux-6.18", made, n).reached for n in (0, 1))
    coverage = Coverage(rules)
    for number in (0, 1):
        for program in drawn(made, rules, number):
            coverage.add(program)
    both = Reached.read(str(first)) | second
    assert both.shares == {name: coverage.shares()[name] for name in ("rules", "outcomes")}
    assert first.shares["rules"][0] > 50
    assert both.shares["outcomes"][0] > first.shares["outcomes"][0]
