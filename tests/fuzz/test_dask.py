"""The same campaign on a Dask cluster gives the same findings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bpfsmt.cli import main

from .common import BLATANT, doing

distributed = pytest.importorskip("distributed", reason="Dask is not installed (bpfsmt[dask])")


def told(*args: str | Path) -> Any:
    options = ("-o", "machine", "--json")
    result = CliRunner().invoke(main, ["fuzz", *options, *map(str, args)])
    assert result.exit_code in (0, 1), result.output
    document = json.loads(result.stdout)
    for rules in document["rules"].values():
        del rules["seconds"]
    return document


def on_a_cluster(processes: bool, *args: str) -> Any:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=processes, dashboard_address=None
    ) as cluster:
        return told("--dask", cluster.scheduler_address, *args)


def test_a_cluster_in_this_process_gives_the_same(tmp_path: Path) -> None:
    killer = doing(tmp_path, "judge", "Watch", "os.kill(os.getpid(), 9)")
    quick = ("-r", killer, "-r", "xdp-paper", "-n", "4", "--batch", "2")
    found = on_a_cluster(False, *quick)
    assert found["findings"]
    assert found == told(*quick, "-j", "1")


@pytest.mark.slow
def test_a_cluster_of_two_processes_finds_the_same() -> None:
    whole = ("-r", BLATANT, "-n", "32", "--batch", "8", "--seed", "2")
    found = on_a_cluster(True, *whole)
    assert found["findings"]
    assert found == told(*whole, "-j", "1")
