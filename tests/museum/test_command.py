"""``bpfsmt museum``, and the page of ``bpfsmt prove --rules museum/NAME``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from click.testing import CliRunner, Result

from bpfsmt.cli import main
from bpfsmt.rules.museum import MODULES

HERE = Path(__file__).parent


def bpfsmt(*args: str | Path) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(main, [str(arg) for arg in args])


def test_one_line_for_each_exhibit() -> None:
    result = bpfsmt("museum", "cve-2022-2905", "museum/cve-2021-3444")
    assert result.exit_code == 0, result.output
    first, second = result.stdout.splitlines()[1:3]
    assert first.split()[:2] == ["cve-2022-2905", "a657182a5c51"]
    assert "emitted_mod32/result by 0" in second
    assert first.split()[-1] == second.split()[-1] == "shown"
    assert "2 exhibits: 2 refuted as listed and proved when corrected, 2 shown" in result.stdout


def test_as_json() -> None:
    result = bpfsmt("museum", "--json", "a15-movsx32")
    (found,) = json.loads(result.stdout)
    assert found["refuted"] == found["listed"] == ["sext_low(8)/tnum", "sext_low(16)/tnum"]
    assert found["verdict"] == "refuted"
    assert found["program"] == "shown"
    assert found["faults"] == []
    assert 0 < found["seconds"]["first"] <= found["seconds"]["wrong"]


def test_an_exhibit_that_is_right_fails() -> None:
    result = bpfsmt("museum", HERE / "planted.py")
    assert result.exit_code == 1
    assert "planted: not refuted: tnum_and/tnum is proved" in result.stdout
    assert "planted: the program goes as it is believed to" in result.stdout
    assert "not shown" in result.stdout
    assert "1 exhibit: 0 refuted as listed" in result.stdout


def test_several_processes_say_the_same() -> None:
    names = ("cve-2017-16995", "cve-2022-2905")
    result = bpfsmt("museum", "--json", "-j", "2", *names)
    assert [(e["name"], e["verdict"]) for e in json.loads(result.stdout)] == [
        (name, "refuted") for name in names
    ]


def test_no_such_exhibit() -> None:
    result = bpfsmt("museum", "cve-1999-1")
    assert result.exit_code == 2
    assert result.stderr.startswith("bpfsmt: no exhibit 'cve-1999-1': there are cve-2017-16995, ")
    assert len(result.stderr.splitlines()) == 1


def test_a_file_without_an_exhibit(tmp_path: Path) -> None:
    file = tmp_path / "empty.py"
    file.write_text("X = 1\n")
    result = bpfsmt("museum", file)
    assert (result.exit_code, result.stderr) == (
        2, f"bpfsmt: {file}: define EXHIBIT = Exhibit(rules, ...)\n"
    )  # fmt: skip


def test_a_file_without_a_program(tmp_path: Path) -> None:
    file = Path(shutil.copy(HERE / "planted.py", tmp_path))
    assert " none" in bpfsmt("museum", file).stdout


def test_listed_among_the_rule_sets() -> None:
    said = bpfsmt("rules").stdout
    assert all(f"museum/{name} (from " in said for name in MODULES)


def test_the_page() -> None:
    result = bpfsmt("prove", "--rules", "museum/cve-2022-2905", "--no-poc")
    assert result.exit_code == 1
    titles = [line for line in result.stdout.splitlines() if line and not line.startswith(" ")]
    assert titles[0] == "museum/cve-2022-2905: tnum_range taken for an exact range"
    assert titles[1:5] == [
        "What was wrong", "What is right", "The rule as it was", "The rule as it is (linux-6.18)",
    ]  # fmt: skip
    assert "index_known gives true" in result.stdout
    assert "return index.mask == 0 and index.value < u64(entries)" in result.stdout
    assert "museum/cve-2022-2905: accepted" in result.stdout
    assert "linux-6.18: rejected at 6" in result.stdout


def test_the_page_has_a_program_made_from_the_rule_alone() -> None:
    result = bpfsmt("prove", "--rules", "museum/cve-2017-16996", "--json")
    assert result.exit_code == 1
    page = json.loads(result.stdout)
    assert 'SEC("socket")' in page["poc"]["selftest"]
    assert "R6 is claimed" in page["poc"]["shows"]
    assert page["counterexamples"]["zext32/u64"][0].startswith("r = scalar(")


def test_a_rule_of_an_exhibit_is_proved_as_any_other() -> None:
    result = bpfsmt(
        "prove", "--rules", "museum/cve-2022-2905", "--no-poc", "--no-cache", "-j", "1",
        "index_known",
    )  # fmt: skip
    assert result.exit_code == 1
    assert "index_known/in range: refuted" in result.stdout
    assert "What was wrong" not in result.stdout
