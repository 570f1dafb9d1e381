"""Digits, and numbers in words, in the paper that nobody measured.

The paper is typeset once more with every measured value replaced by a mark, and with the
numbers that typst counts itself (sections, figures, pages) and the references left out.  Whatever
has digits on those pages, or is a number beyond twelve, was typed by somebody.  It has to match a
pattern in ``allowed.txt``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from paper.tools.typeset import MASK, PAPER, ask

ALLOWED = Path(__file__).with_name("allowed.txt")
EDGES = "()[]{},.;:!?\"“”‘’'–—"


@dataclass(frozen=True, slots=True)
class Literal:
    """A word with digits, the page it is on, and whether it stands in a formula."""

    text: str
    page: int
    math: bool = False


def literals(paper: Path = PAPER) -> list[Literal]:
    """All words with digits that were typed, in reading order."""
    found = []
    for one in ask("literal", paper, MASK):
        if "math" in one:
            words = re.findall(r"\[([^\[\]]*\d[^\[\]]*)\]", one["math"])  # leaves of the formula
            found += [Literal(word, one["page"], math=True) for word in words]
        else:
            found.append(Literal(one["text"].strip(EDGES), one["page"]))
    return found


def patterns(text: str) -> dict[str, re.Pattern[str]]:
    """The allow list by kind: ``math`` and ``text``.  A line is a kind, a pattern, a comment.

    >>> patterns("math [0-2]  # small")["math"].fullmatch("1") is not None
    True
    """
    kinds: dict[str, list[str]] = {"math": [], "text": []}
    for line in text.splitlines():
        words = line.partition("  #")[0].split()
        if words and not line.startswith("#"):
            kinds[words[0]].append(words[1])
    return {kind: re.compile("|".join(f"(?:{p})" for p in found)) for kind, found in kinds.items()}


def unmeasured(paper: Path = PAPER) -> list[Literal]:
    """The typed numbers that the allow list does not have."""
    allowed = patterns(ALLOWED.read_text())
    return [
        one for one in literals(paper)
        if not allowed["math" if one.math else "text"].fullmatch(one.text.replace("\u00a0", "~"))
    ]  # fmt: skip
