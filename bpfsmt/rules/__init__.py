"""The verifier's rules, and rule sets: named tables of them, one derived from another.

To change a rule, derive a rule set and override it by name:

>>> from bpfsmt.bits import rule
>>> from bpfsmt.domain import Tnum
>>> from bpfsmt.rules import rule_set
>>> @rule
... def tnum_and(a: Tnum, b: Tnum) -> Tnum:
...     return Tnum(a.value & b.value, a.mask | b.mask)
>>> mine = rule_set("xdp-paper").derive("mine", tnum_and)
>>> mine.changed
('tnum_and',)
"""

from bpfsmt.rules.duties import Duties
from bpfsmt.rules.registry import load_exhibit, load_rules, rule_set, rule_set_names
from bpfsmt.rules.ruleset import Policy, RuleSet, RuleSetError

__all__ = [
    "Duties",
    "Policy",
    "RuleSet",
    "RuleSetError",
    "load_exhibit",
    "load_rules",
    "rule_set",
    "rule_set_names",
]
