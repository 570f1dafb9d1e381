"""A second opinion: formulas that Z3 found impossible, asked of another solver as text."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass

from bpfsmt.errors import BpfsmtError


class NoSecondSolver(BpfsmtError):
    """Neither bitwuzla nor cvc5 is installed."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """``answer`` is "unsat", "sat" or "unknown"; ``solver`` says whose it is."""

    solver: str
    answer: str


def check_installed() -> None:
    """Raise `NoSecondSolver` if no second solver can be imported."""
    if _version("bitwuzla") is None and _version("cvc5") is None:
        raise NoSecondSolver("no second solver: pip install 'bpfsmt[recheck]' (bitwuzla, cvc5)")


def second_opinion(text: str, seconds: float = 60.0) -> Opinion:
    """What bitwuzla (for words) or cvc5 (for integers, or without bitwuzla) says of a script.

    A solver that is not installed, or runs out of ``seconds``, gives "unknown".
    """
    words = "Int" not in text
    for name, ask in (("bitwuzla", _bitwuzla), ("cvc5", _cvc5)):
        version = _version(name)
        if version is None or (name == "bitwuzla" and not words):
            continue
        return Opinion(f"{name} {version}", ask(text, seconds))
    return Opinion("none", "unknown")


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _bitwuzla(text: str, seconds: float) -> str:
    import bitwuzla  # type: ignore[import-not-found]

    options = bitwuzla.Options()
    options.set(bitwuzla.Option.TIME_LIMIT_PER, int(seconds * 1000))
    parser = bitwuzla.Parser(bitwuzla.TermManager(), options)
    try:
        parser.parse(text.replace("(check-sat)", ""), True, False)
    except bitwuzla.BitwuzlaException:
        return _cvc5(text, seconds) if _version("cvc5") else "unknown"
    answer = str(parser.bitwuzla().check_sat()).lower()
    return answer if answer in ("sat", "unsat") else "unknown"


def _cvc5(text: str, seconds: float) -> str:
    import cvc5  # type: ignore[import-untyped]

    solver = cvc5.Solver(cvc5.TermManager())
    solver.setOption("tlimit-per", str(int(seconds * 1000)))
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, f"(set-logic ALL)\n{text}", "formula")
    said = ""
    while not (command := parser.nextCommand()).isNull():
        said = command.invoke(solver, parser.getSymbolManager()).strip() or said
    return said if said in ("sat", "unsat") else "unknown"
