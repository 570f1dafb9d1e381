"""Finding rule sets by name, and loading a user's own from a file."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

from bpfsmt.bits import RuleError
from bpfsmt.rules.museum import PREFIX, Exhibit, beside, exhibit
from bpfsmt.rules.ruleset import RuleSet, RuleSetError

_MODULES = {
    "xdp-paper": "bpfsmt.rules.paper",
    "xdp-paper-hma": "bpfsmt.rules.linux.mul_4_14",
    "linux-6.1": "bpfsmt.rules.linux.v6_1",
    "linux-6.12": "bpfsmt.rules.linux.v6_12",
    "linux-6.18": "bpfsmt.rules.linux.v6_18",
}
"""Where each rule set lives: a module with a `RuleSet` called ``RULES``."""

_CORRECTED = "-corrected"
"""Behind the name of a release: it without its known faults, ``CORRECTED`` in its module."""

_ALIASES = {"linux-6.12-scalars": "linux-6.12"}
"""Names that rule sets had before."""


def rule_set_names() -> list[str]:
    """The names of the rule sets that come with bpfsmt, but for corrected ones and the museum's."""
    return sorted(_MODULES)


def rule_set(name: str) -> RuleSet:
    """The rule set of that name; `RuleSetError` lists the names if there is none."""
    name = _ALIASES.get(name, name)
    if name.startswith(PREFIX):
        return exhibit(name).rules
    release = name.removesuffix(_CORRECTED)
    module = importlib.import_module(_MODULES[release]) if release in _MODULES else None
    found: RuleSet | None = getattr(module, "RULES" if name == release else "CORRECTED", None)
    if found is None:
        known = ", ".join(rule_set_names())
        more = f"linux-6.12{_CORRECTED}, linux-6.18{_CORRECTED}, and {PREFIX}NAME"
        raise RuleSetError(f"no rule set {name!r}: there are {known}, {more}")
    return found


def load_rules(spec: str) -> RuleSet:
    """A rule set by name, or from a Python file that defines one as ``RULES``.

    Raises `RuleSetError` if the file cannot be run or defines none, and
    `bpfsmt.bits.RuleError` if a rule in it cannot be compiled.
    """
    if not spec.endswith(".py"):
        return rule_set(spec)
    rules = getattr(_module(spec), "RULES", None)
    if not isinstance(rules, RuleSet):
        raise RuleSetError(f"{spec}: define RULES = rule_set(NAME).derive(NAME, RULE, ...)")
    return rules


def load_exhibit(spec: str) -> Exhibit:
    """An exhibit by name, or from a Python file that defines one as ``EXHIBIT``.

    Raises as `load_rules` does.
    """
    if not spec.endswith(".py"):
        return exhibit(spec)
    found = getattr(_module(spec), "EXHIBIT", None)
    if not isinstance(found, Exhibit):
        raise RuleSetError(f"{spec}: define EXHIBIT = Exhibit(rules, ...)")
    return beside(found, Path(spec))


def _module(spec: str) -> ModuleType:
    """A user's file, run."""
    path = Path(spec)
    if not path.is_file():
        raise RuleSetError(f"{spec}: no such file")
    module_spec = importlib.util.spec_from_file_location(f"bpfsmt_user_rules_{path.stem}", path)
    assert module_spec is not None
    assert module_spec.loader is not None
    module = importlib.util.module_from_spec(module_spec)
    try:
        module_spec.loader.exec_module(module)
    except (RuleError, RuleSetError):
        raise
    except Exception as e:
        raise RuleSetError(f"{spec}: {type(e).__name__}: {e}") from e
    return module
