"""``bpfsmt supported``: the list is what the verifier runs on."""

from __future__ import annotations

import json

from click.testing import CliRunner

from bpfsmt.cli import main
from bpfsmt.semantics.prototypes import PROTOTYPES


def test_every_prototype_is_listed_once() -> None:
    result = CliRunner().invoke(main, ["supported", "--json"], standalone_mode=False)
    found = json.loads(result.output)
    names = {p.name for p in PROTOTYPES.values()}
    assert len(found["helpers"]) >= 60
    assert names == names & (set(found["helpers"]) | set(found["helpers not supported"]))
    assert not set(found["helpers"]) & set(found["helpers not supported"])
    assert "xdp" in found["program types"]
    assert any(line.startswith("kfuncs") for line in found["not supported"])
