"""What became of every test: beside the kernel, and beside what its author expects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from bpfsmt.agree.compare import Compared
from bpfsmt.agree.pool import Answer
from bpfsmt.agree.score import Group, Score, score
from bpfsmt.agree.selftests.clang import Compiled
from bpfsmt.agree.selftests.core import BTF_POINTER
from bpfsmt.agree.selftests.running import Ran
from bpfsmt.agree.selftests.suite import Selftest
from bpfsmt.kernel.oracle import LoadResult

Who = Literal["kernel", "ours"]
_WORDS = {True: "accept", False: "reject", None: None}


@dataclass(slots=True)
class Scored:
    """All tests of a run; ``answers`` and ``ran`` are by a test's number.

    An answer's note is the first expected message that the kernel's log does not have, "" if it
    has all.
    """

    tests: Sequence[Selftest]
    compiled: Sequence[Compiled]
    answers: dict[int, Answer] = field(default_factory=dict)
    ran: dict[int, Ran] = field(default_factory=dict)
    interrupted: bool = False

    def seen(self, index: int, result: LoadResult) -> str:
        """The first of the expected messages that is not in what the kernel says."""
        side = self.tests[index].expected.privileged
        return (side.missing(result.log) or "") if side.messages else ""

    def outside(self, index: int) -> str:
        """Why a test is not of the core class, "" if it is."""
        test, answer = self.tests[index], self.answers.get(index)
        return test.outside or (BTF_POINTER if answer and answer.btf else "")

    def outsiders(self) -> Counter[str]:
        """How many tests are not of the core class, by why."""
        return Counter(filter(None, map(self.outside, range(len(self.tests)))))

    def core(self) -> Iterator[tuple[int, Selftest, Compared]]:
        """The tests of the core class for which both sides have a verdict."""
        for index, test in enumerate(self.tests):
            answer = self.answers.get(index)
            if answer is not None and answer.compared is not None and not self.outside(index):
                yield index, test, answer.compared

    def score(self, *, core: bool) -> Score:
        """The comparison with the kernel, of the core class or of all others."""
        compared: list[Compared] = []
        lost: dict[str, str] = {}
        for index, test in enumerate(self.tests):
            if (self.outside(index) == "") is not core:
                continue
            name, answer = f"{test.file}:{test.name}", self.answers.get(index)
            if answer is not None and answer.compared is not None:
                compared.append(replace(answer.compared, name=name))
            elif answer is not None or test.skipped:
                lost[name] = test.skipped or (answer.error if answer else "")
        return score(compared, lost)

    # Beside what is expected of the privileged load: how many of how many

    def verdicts(self, who: Who) -> tuple[int, int]:
        """Tests that end as expected."""
        return _count(
            getattr(compared, who).outcome.value == _WORDS[test.expected.privileged.success]
            for _, test, compared in self.core()
            if test.expected.privileged.success is not None
        )

    def messages(self) -> tuple[int, int]:
        """Tests for which the kernel's log has all messages."""
        return _count(
            not self.answers[index].note
            for index, test, _ in self.core()
            if test.expected.privileged.messages
        )

    def reasons(self) -> tuple[int, int]:
        """Tests that we reject for the reason that is expected: it is the last message."""
        return _count(
            replace(side, messages=side.messages[-1:]).missing(compared.ours.message) is None
            for _, test, compared in self.core()
            if (side := test.expected.privileged).success is False
            and side.messages
            and compared.ours.outcome is compared.kernel.outcome
        )

    def retvals(self, who: Who) -> tuple[int, int]:
        """Tests whose run returns what is expected."""
        return _count(getattr(ran, who) == ran.expected for ran in self.ran.values())

    def same_retvals(self) -> tuple[int, int]:
        """Tests that the kernel runs, whose value is that of our machine."""
        return _count(ran.ours == ran.kernel for ran in self.ran.values() if ran.kernel is not None)

    def not_modelled(self) -> list[Group]:
        """The tests whose value our machine cannot give, by what it does not model."""
        found: dict[str, list[str]] = {}
        for index, ran in self.ran.items():
            if ran.not_modelled:
                test = self.tests[index]
                found.setdefault(ran.not_modelled, []).append(f"{test.file}:{test.name}")
        ordered = sorted(found.items(), key=lambda each: -len(each[1]))
        return [Group(f"not modelled: {why}", tuple(names)) for why, names in ordered]

    def to_run(self) -> list[int]:
        """The tests that the kernel accepts and that expect a return value."""
        return [
            index
            for index, test, compared in self.core()
            if compared.kernel.accepted and test.expected.privileged.retval is not None
        ]

    def test_json(self, index: int) -> dict[str, Any]:
        """One test as plain data."""
        test, answer, ran = self.tests[index], self.answers.get(index), self.ran.get(index)
        base: dict[str, Any] = {
            "file": test.file,
            "program": test.name,
            "section": test.section,
            "description": test.expected.description,
            "expects": _WORDS[test.expected.privileged.success],
            "expects_unprivileged": _WORDS[test.expected.unprivileged.success],
            "missing_message": (answer.note if answer else "") or None,
            "outside_core": self.outside(index) or None,
            "skipped": test.skipped or (answer.error if answer else ""),
        }
        if ran is not None:
            base["returns"] = {"expected": ran.expected, "kernel": ran.kernel, "ours": ran.ours,
                               "problems": list(ran.problems),
                               "not_modelled": ran.not_modelled or None}  # fmt: skip
        compared = answer.compared if answer else None
        return base | (compared.to_json() if compared else {})


def _count(answers: Iterator[bool]) -> tuple[int, int]:
    """How many are true, and how many there are."""
    found = list(answers)
    return sum(found), len(found)
