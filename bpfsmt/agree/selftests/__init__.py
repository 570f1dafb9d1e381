"""The kernel's own tests of its verifier: found, compiled, and their expectations read."""

from bpfsmt.agree.selftests.clang import Clang, Compiled, compile_file, find_clang
from bpfsmt.agree.selftests.core import BTF_POINTER, outside_core
from bpfsmt.agree.selftests.expect import Expected, Side, from_tags, read_expected
from bpfsmt.agree.selftests.running import Ran, run_test
from bpfsmt.agree.selftests.scored import Scored
from bpfsmt.agree.selftests.suite import Selftest, read_object
from bpfsmt.agree.selftests.tree import Tree, read_tree

__all__ = [
    "BTF_POINTER",
    "Clang",
    "Compiled",
    "Expected",
    "Ran",
    "Scored",
    "Selftest",
    "Side",
    "Tree",
    "compile_file",
    "find_clang",
    "from_tags",
    "outside_core",
    "read_expected",
    "read_object",
    "read_tree",
    "run_test",
]
