"""The call graph: sites, recursion, depth."""

from __future__ import annotations

import pytest

from bpfsmt.cfg import call_depth, cfg_from_text, recursive_functions
from bpfsmt.errors import CfgError


def test_sites_and_names() -> None:
    cfg = cfg_from_text("main:\ncall f\ncall f\ncall g\nexit\nf:\ncall g\nexit\ng:\nexit")
    assert dict(cfg.calls.nodes(data="name")) == {0: "main", 4: "f", 6: "g"}
    assert list(cfg.calls.edges(data="sites")) == [(0, 4, (0, 1)), (0, 6, (2,)), (4, 6, (4,))]
    assert call_depth(cfg) == 3
    assert recursive_functions(cfg) == ()


def test_unnamed_functions_get_a_name() -> None:
    cfg = cfg_from_text("call pc+1\nexit\nexit")
    assert cfg.functions == (0, 2)
    assert cfg.graph.nodes[2]["function"] == 2


def test_depth_of_a_single_function_is_one() -> None:
    assert call_depth(cfg_from_text("exit")) == 1


@pytest.mark.parametrize("depth", [2, 8, 9])
def test_depth_of_a_chain(depth: int) -> None:
    chain = "".join(f"f{i}:\ncall f{i + 1}\nexit\n" for i in range(1, depth - 1))
    cfg = cfg_from_text(f"call f1\nexit\n{chain}f{depth - 1}:\nexit")
    assert call_depth(cfg) == depth


@pytest.mark.parametrize(
    ("text", "group", "site"),
    [
        ("call pc-1\nexit", (0,), 0),
        ("call f\nexit\nf:\ncall g\nexit\ng:\ncall f\nexit", (2, 4), 2),
        ("call f\nexit\nf:\nr2 = func[f]\nexit", (2,), 2),
    ],
)
def test_recursion(text: str, group: tuple[int, ...], site: int) -> None:
    cfg = cfg_from_text(text)
    assert recursive_functions(cfg) == (group,)
    with pytest.raises(CfgError, match="recursion") as caught:
        call_depth(cfg)
    assert caught.value.pc == site


def test_recursion_that_main_never_starts_has_no_depth() -> None:
    cfg = cfg_from_text("exit\nf:\ncall f\nexit")
    assert recursive_functions(cfg) == ((1,),)
    assert call_depth(cfg) == 1
