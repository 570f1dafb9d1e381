"""A tree of a few tests of our own: compiled, read, classified, scored."""

import importlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from bpfsmt.agree.selftests import (
    Clang,
    Compiled,
    Ran,
    Selftest,
    compile_file,
    find_clang,
    from_tags,
    outside_core,
    read_object,
    read_tree,
)
from bpfsmt.agree.selftests.expect import Side
from bpfsmt.agree.selftests.lower import encode_line, one_per_line
from bpfsmt.cli import main
from bpfsmt.errors import LoadError
from bpfsmt.isa import decode, disassemble
from bpfsmt.kernel.oracle import LoadFlag, LoadResult, RunInput, RunResult
from bpfsmt.kernel.syscall import available
from bpfsmt.program import Program, load_asm
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify

TREE = Path(__file__).parent / "tree"


def no_clang() -> str:
    """Why nothing can be compiled here; "" if it can."""
    try:
        find_clang()
    except LoadError as error:
        return str(error)
    return ""


needs_clang = pytest.mark.skipif(bool(WHY := no_clang()), reason=WHY)

Built = dict[str, Compiled]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    out = tmp_path_factory.mktemp("objects")
    tree, clang = read_tree(TREE, out), find_clang()
    return {source.stem: compile_file(clang, tree, source, out) for source in tree.sources()}


@pytest.fixture(scope="module")
def tests(built: Built) -> dict[str, Selftest]:
    return {test.name: test for test in read_object(built["verifier_own"])}


@needs_clang
def test_what_does_not_compile_is_reported_and_the_rest_is_kept(built: Built) -> None:
    assert set(built) == {"verifier_broken", "verifier_own"}
    broken, own = built["verifier_broken"], built["verifier_own"]
    assert broken.object is None
    assert "incomplete definition" in broken.error
    assert "verifier_broken.c:6" in broken.error
    assert own.object is not None
    assert list(own.functions) == ["nonsense"]
    assert "utterly wrong" in own.functions["nonsense"]


@needs_clang
def test_every_program_is_a_test(tests: dict[str, Selftest]) -> None:
    assert set(tests) == {
        "fine", "bad", "newer", "nonsense", "only_unprivileged", "of_another_type", "with_kfunc",
    }  # fmt: skip
    core = {name for name, test in tests.items() if not test.outside}
    assert core == {"fine", "bad", "newer", "nonsense", "only_unprivileged"}
    assert tests["of_another_type"].outside == "program type"
    assert "kfunc" in tests["with_kfunc"].outside
    assert tests["nonsense"].program is None
    assert tests["nonsense"].skipped.startswith("not compiled")


@needs_clang
def test_expectations_come_from_the_tags(tests: dict[str, Selftest]) -> None:
    fine, bad = tests["fine"].expected, tests["bad"].expected
    assert (fine.privileged.success, fine.privileged.retval) == (True, 7)
    assert fine.description == "fine"
    assert fine.unprivileged.success is None
    assert (bad.privileged.success, bad.privileged.messages) == (False, ("R0 !read_ok",))
    assert bad.unprivileged.success is False
    assert tests["only_unprivileged"].expected.privileged.success is None
    program = tests["bad"].program
    assert program is not None
    assert program.flags == LoadFlag.STRICT_ALIGNMENT


@needs_clang
def test_what_this_clang_cannot_assemble_is_what_was_written(tests: dict[str, Selftest]) -> None:
    program = tests["newer"].program
    assert program is not None
    assert [disassemble(insn, pc) for pc, insn in program.instructions()] == [
        "r1 = -8",
        "r0 = (s8)r1",
        "r0 s/= 3",
        "gotol +3",
        "*(u64 *)(r10 -8) = 5",
        "r0 = *(s8 *)(r10 -8)",
        "exit",
        "gotol -4",
    ]


@needs_clang
def test_the_verifier_meets_the_expectations(tests: dict[str, Selftest]) -> None:
    for name in ("fine", "bad", "newer", "only_unprivileged"):
        program, wanted = tests[name].program, tests[name].expected.privileged
        assert program is not None
        verdict = verify(program, rule_set("linux-6.18")).verdict
        assert verdict.accepted is (wanted.success is not False)
        assert wanted.success or wanted.missing(verdict.message) is None


class Kernel:
    """A kernel that gives every program the verdict of our verifier, but of one."""

    name = "kernel"
    release = "6.18.44"

    def __init__(self, lie: str = "", wrong: int = 0) -> None:
        self.lie, self.wrong = lie, wrong

    def load(self, program: Program, *, flags: int = 0, max_log: int = 0) -> LoadResult:
        analysis = verify(program, rule_set("linux-6.18"), log=True)
        good = analysis.verdict.accepted is not (program.name == self.lie)
        return LoadResult(program, self.release, good, 0 if good else 13, "\n".join(analysis.log))

    def run(self, program: Program, inputs: Sequence[RunInput]) -> Sequence[RunResult]:
        return [RunResult(retval=7 + self.wrong)]


def selftests(monkeypatch: pytest.MonkeyPatch, kernel: Kernel, *options: str) -> tuple[int, str]:
    module = importlib.import_module("bpfsmt.cli.selftests")  # the command has the same name
    monkeypatch.setattr(module, "oracle", lambda name: kernel)
    arguments = ["selftests", "--kernel-tree", str(TREE), "-j1", *options]
    done = CliRunner().invoke(main, arguments)
    return done.exit_code, done.stdout


@needs_clang
def test_the_command_reports_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = selftests(monkeypatch, Kernel(), "--json")
    report = json.loads(text)
    assert code == 3  # something was not compared
    assert report["core"]["programs"] == 5
    assert report["core"]["verdicts"]["same"] == 4
    assert report["core"]["verdicts"]["lost"] == 1
    assert report["others"]["programs"] == 2
    assert set(report["not_compiled"]) == {"verifier_broken.c", "verifier_own.c"}
    by_name = {test["program"]: test for test in report["tests"]}
    assert by_name["bad"]["expects"] == "reject"
    assert by_name["bad"]["same_pc"] is True
    assert by_name["with_kfunc"]["outside_core"]
    assert by_name["fine"]["returns"]["ours"] == 7
    expected = {what: (of["true"], of["of"]) for what, of in report["expected"].items()}
    assert expected == {
        "the kernel's verdicts": (3, 3),
        "our verdicts": (3, 3),
        "messages in the kernel's log": (1, 1),
        "our reasons of rejections": (1, 1),
        "values that the kernel returns": (1, 1),
        "values that our machine returns": (1, 1),
        "values that both return": (1, 1),
    }


@needs_clang
def test_the_command_finds_a_planted_disagreement(monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = selftests(monkeypatch, Kernel("fine"), "verifier_own")
    assert code == 1
    assert "we accept, the kernel rejects" in text
    assert "verifier_own:fine" in text
    assert "the kernel's verdicts 2 of 3" in " ".join(text.split())


@needs_clang
def test_a_wrong_return_value_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    _, text = selftests(monkeypatch, Kernel(wrong=1), "verifier_own")
    words = " ".join(text.split())
    assert "values that the kernel returns 0 of 1" in words
    assert "values that our machine returns 1 of 1" in words


@needs_clang
def test_what_is_not_modelled_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("bpfsmt.cli.selftests")
    monkeypatch.setattr(module, "run_test", lambda *_: Ran(7, 7, None, (), "a thing"))
    _, text = selftests(monkeypatch, Kernel(), "verifier_own", "--no-cache")
    assert "not modelled: a thing verifier_own:fine" in " ".join(text.split())
    assert "values that both return 0 of 1" in " ".join(text.split())
    _, plain = selftests(monkeypatch, Kernel(), "verifier_own", "--no-cache", "--json")
    assert json.loads(plain)["not_modelled"] == {"a thing": ["verifier_own:fine"]}


@needs_clang
@pytest.mark.skipif(available() is not None, reason=str(available()))
def test_the_running_kernel_does_as_the_tests_expect(tests: dict[str, Selftest]) -> None:
    from bpfsmt.kernel import load_program

    for name in ("fine", "bad", "newer"):
        program, wanted = tests[name].program, tests[name].expected.privileged
        assert program is not None
        with load_program(program) as loaded:
            assert loaded.accepted is wanted.success
            assert wanted.missing(loaded.log) is None
            if wanted.retval is not None:
                assert loaded.run().retval == wanted.retval


# Bad input


def test_a_folder_that_is_no_tree(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["selftests", "--kernel-tree", str(tmp_path)])
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    with pytest.raises(LoadError, match="no kernel source tree"):
        read_tree(tmp_path, tmp_path)


def part_of_a_tree(root: Path, helpers: Sequence[int]) -> Path:
    """A copy of the tree without the script, whose helpers have these numbers."""
    shutil.copytree(TREE, root, ignore=shutil.ignore_patterns("scripts"))
    uapi = root / "tools/include/uapi/linux/bpf.h"
    rows = "".join(f"\tFN(helper_{n}, {n}, ##ctx)\t\\\n" for n in (0, *helpers))
    uapi.write_text(uapi.read_text() + "#define FNS(FN, ctx...) \\\n" + rows)
    return root


def test_installed_declarations_of_helpers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They stand in for a tree's own if they have all that it names."""
    installed = tmp_path / "installed.h"
    installed.write_text("static __u32 (*helper_7)(void) = (void *) 7;\n")
    monkeypatch.setattr("bpfsmt.agree.selftests.tree._INSTALLED", installed)
    read_tree(part_of_a_tree(tmp_path / "old", [7]), tmp_path)
    assert (tmp_path / "bpf_helper_defs.h").read_text() == installed.read_text()
    for name, helpers in (("newer", [7, 8]), ("none", [])):
        with pytest.raises(LoadError, match=r"bpf_doc\.py, and no .* with all"):
            read_tree(part_of_a_tree(tmp_path / name, helpers), tmp_path)


def test_headers_of_the_architecture(tmp_path: Path) -> None:
    """Those of the system come before the tree's where it has none of its own."""
    whole = shutil.copytree(TREE, tmp_path / "whole")
    (machine,) = read_tree(TREE, tmp_path).includes[4:-2]
    name = read_tree(TREE, tmp_path).defines[0].removeprefix("-D__TARGET_ARCH_")
    (whole / "tools/arch" / name).mkdir(parents=True)
    tree = read_tree(whole, tmp_path)
    assert machine not in tree.includes
    assert tree.last_includes[-1] == machine


def test_a_name_that_is_no_test(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="verifier_none"):
        read_tree(TREE, tmp_path).sources(["verifier_none"])


def test_a_compiler_that_is_none() -> None:
    with pytest.raises(LoadError, match="not found"):
        find_clang("no-such-clang")
    with pytest.raises(LoadError):
        find_clang("false")


def test_the_newest_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no ``clang``, as in Debian without that package."""
    for name in ("clang-9", "clang-14", "clang-cpp"):
        file = tmp_path / name
        file.write_text(f"#!/bin/sh\necho {name}\n")
        file.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_clang() == Clang(str(tmp_path / "clang-14"), "clang-14")
    with pytest.raises(LoadError, match="not found"):
        find_clang("clang")


# Tags


def test_tags_that_say_nothing_of_a_load_expect_success() -> None:
    found = from_tags(["description=x", "log_level=2", "arch=X86_64", "new_in_9_9=1"])
    assert found.privileged.success is True
    assert found.unprivileged.success is None
    assert (found.log_level, found.arches, found.unknown) == (
        2,
        frozenset({"X86_64"}),
        ("new_in_9_9",),
    )


def test_a_message_alone_is_of_a_load_that_succeeds() -> None:
    assert from_tags(["expect_msg=3=a=b"]).privileged == Side(True, ("a=b",))


def test_unprivileged_without_a_verdict_is_as_privileged() -> None:
    assert from_tags(["expect_failure", "expect_msg_unpriv=0=x"]).unprivileged.success is False


@pytest.mark.parametrize(
    ("value", "number"),
    [("3", 3), ("-1", -1), ("0xff", 255), ("INT_MIN", -(1 << 31)), ("(-5)", -5),
     ("POINTER_VALUE", None)],
)  # fmt: skip
def test_return_values(value: str, number: int | None) -> None:
    assert from_tags([f"retval={value}"]).privileged.retval == number


def test_flags_add_up_and_are_taken_away() -> None:
    tags = ["prog_flags=BPF_F_TEST_STATE_FREQ", "prog_flags=0x1", "prog_flags=!0x1"]
    assert from_tags(tags).flags == LoadFlag.TEST_STATE_FREQ


def test_a_number_that_is_none_is_an_error() -> None:
    with pytest.raises(LoadError, match="'many'"):
        from_tags(["retval=many"])


def test_messages_come_in_order_and_may_hold_patterns() -> None:
    side = Side(messages=("R1={{[0-9]+}}", "(exit)"))
    assert side.missing("R1=12 ... (exit)") is None
    assert side.missing("(exit) R1=12") == "(exit)"
    assert side.missing("R1=x (exit)") == "R1={{[0-9]+}}"


# Assembly


@pytest.mark.parametrize(
    "line",
    ["w1 s%= w2", "r3 = bswap32 r3", "r0 = *(s16 *)(r1 - 4)", "r2 = 0x100000000 ll", "w2 = (s8)w1"],
)
def test_lines_are_encoded_as_they_read(line: str) -> None:
    text = encode_line(line)
    assert text is not None
    words = [int(each.split()[1], 16) for each in text.splitlines()]
    (insn, *_) = decode(b"".join(word.to_bytes(8, "little") for word in words))
    assert insn is not None
    assert disassemble(insn) == disassemble(next(iter(load_asm(f"{line}\nexit", "x").slots)))  # type: ignore[arg-type]


def test_a_move_that_llvm_14_writes_wrongly_is_of_32_bits() -> None:
    assert encode_line("r1 = w2") == encode_line("w1 = w2")


@pytest.mark.parametrize("line", ["r1 = of nothing", "", "call somewhere", "if r1 > 3 goto x"])
def test_lines_that_are_not_for_us(line: str) -> None:
    assert encode_line(line) is None


def test_only_inline_assembly_is_split() -> None:
    text = '\t.ascii "a;b"\n#APP\n\tr0 = 1; /* a; b */ l1: 2: exit;\n#NO_APP\nr0 = 2; exit\n'
    assert one_per_line(text) == [
        '\t.ascii "a;b"', "#APP", "r0 = 1", "l1:", "2:", "exit", "#NO_APP", "r0 = 2; exit",
    ]  # fmt: skip


# The core class


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("r0 = 0\nexit", ""),
        ("call bpf_loop\nexit", "callback"),
        ("call bpf_dynptr_data\nexit", "dynptr"),
        ("call bpf_get_current_task_btf\nexit", "BTF pointer"),
        ("call bpf_map_lookup_elem\nexit", ""),
    ],
)
def test_the_core_class(text: str, why: str) -> None:
    assert outside_core(load_asm(text, "x")) == why
