"""A scheduler that is gone: each item that waited for it is told so, and nothing waits on."""

from types import SimpleNamespace

import pytest

pytest.importorskip("distributed", reason="spiden[dask] isn't installed")

from spiden_cli.cluster.running import _in_turn
from spiden_cli.errors import SpidenError


class Future:
    """One whose end is never told, as of a client that gave up."""

    def add_done_callback(self, call: object) -> None: ...


def test_no_item_waits_for_a_scheduler_that_is_gone():
    client = SimpleNamespace(status="closed", submit=lambda *work, **options: Future())
    items = ["a", "b", "c", "d"]
    cluster = SimpleNamespace(client=client, workers=1)
    told = list(_in_turn(cluster, "work", items, lambda: False, lambda: None))
    assert [item for item, _ in told] == items
    assert all(isinstance(answer, SpidenError) for _, answer in told)
    assert "scheduler was lost" in str(told[0][1])
