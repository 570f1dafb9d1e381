"""The names at the top of the package: ``bpfsmt.verify`` is ``bpfsmt.api.verify``."""

from bpfsmt.bits import Rule, RuleError, rule
from bpfsmt.cfg import ControlFlow, build_cfg, to_dot, to_svg
from bpfsmt.crosscheck.finding import Finding, Status
from bpfsmt.crosscheck.report import Report
from bpfsmt.crosscheck.run import check, crosscheck
from bpfsmt.domain import Reg, Scalar, State, Tnum, format_reg, format_state
from bpfsmt.domain.analysis import Analysis, Edge, Outcome, Verdict, Visit
from bpfsmt.errors import (
    AsmError,
    BpfsmtError,
    CfgError,
    DecodeError,
    LoadError,
    UnsupportedError,
)
from bpfsmt.isa import Instruction, assemble, decode, disassemble, encode
from bpfsmt.program import MapDef, Object, Program, ProgramType, load, load_asm, load_raw
from bpfsmt.rules import Policy, RuleSet, RuleSetError, load_rules, rule_set, rule_set_names
from bpfsmt.verifier import verify

__all__ = [
    "Analysis",
    "AsmError",
    "BpfsmtError",
    "CfgError",
    "ControlFlow",
    "DecodeError",
    "Edge",
    "Finding",
    "Instruction",
    "LoadError",
    "MapDef",
    "Object",
    "Outcome",
    "Policy",
    "Program",
    "ProgramType",
    "Reg",
    "Report",
    "Rule",
    "RuleError",
    "RuleSet",
    "RuleSetError",
    "Scalar",
    "State",
    "Status",
    "Tnum",
    "UnsupportedError",
    "Verdict",
    "Visit",
    "assemble",
    "build_cfg",
    "check",
    "crosscheck",
    "decode",
    "disassemble",
    "encode",
    "format_reg",
    "format_state",
    "load",
    "load_asm",
    "load_raw",
    "load_rules",
    "rule",
    "rule_set",
    "rule_set_names",
    "to_dot",
    "to_svg",
    "verify",
]
