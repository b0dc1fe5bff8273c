"""Records become columns, and records that can't be judged are refused with their place."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from aftershock.errors import InputError, UsageError
from aftershock.study.records import TriggerRecord, latency_key
from aftershock.study.table import join, tabulate
from tests.study.synthetic import LATENCY, NAN, lost, market, missed, noisy, order, trigger


def test_a_latency_is_the_same_text_however_it_was_written() -> None:
    assert [latency_key(ms) for ms in (20.0, 20, 0.5, 5000.0)] == ["20", "20", "0.5", "5000"]


def test_a_record_survives_messagepack_with_its_absent_numbers() -> None:
    record = trigger(3, "S1", positive=True, orders=(missed(),))
    data = msgspec.msgpack.encode(record)

    assert msgspec.msgpack.encode(msgspec.msgpack.decode(data, type=TriggerRecord)) == data


def test_orders_are_labelled_by_what_they_were_worth() -> None:
    # A fill that gained per coin, but lost more on the legs that filled alone, is no good fill.
    dear = order(edge_usd=-3.0, partial_loss_usd=-23.0)
    records = [trigger(0, orders=(order(), lost(), missed(), dear)), trigger(1)]
    table = tabulate(records, LATENCY)

    assert table.filled.tolist() == [True, True, False, True]
    assert table.won.tolist() == [True, False, False, False]
    assert table.usd.tolist() == [20.0, -10.0, 0.0, -3.0]
    assert table.cluster.tolist() == [0, 0, 0, 0]
    assert table.ordered.tolist() == [True, False]
    assert table.captured.tolist() == [True, False]


def test_a_package_that_filled_in_part_only_costs_its_unwinding() -> None:
    partial = missed(edge_usd=NAN, partial_loss_usd=-7.5)
    table = tabulate([trigger(0, orders=(partial,))], LATENCY)

    assert (table.fills, table.usd.tolist()) == (0, [-7.5])


def test_the_order_in_which_records_were_gathered_leaves_no_trace() -> None:
    records = market(noisy, 80)
    shuffled = [records[i] for i in np.random.Generator(np.random.PCG64(1)).permutation(80)]

    assert tabulate(shuffled, LATENCY).triggers == tabulate(records, LATENCY).triggers


def test_runs_that_are_joined_keep_their_triggers_apart() -> None:
    one, two = (tabulate([trigger(0, orders=(order(),)), trigger(1, orders=(lost(),))], LATENCY) for _ in range(2))

    assert join([one, two]).cluster.tolist() == [0, 1, 2, 3]


def test_a_trigger_that_is_there_twice_is_refused() -> None:
    with pytest.raises(InputError, match="seed 0, trigger 4 is in the records twice"):
        tabulate([trigger(4), trigger(4)], LATENCY)


def test_a_latency_without_truth_is_refused() -> None:
    with pytest.raises(UsageError, match="no truth at an order latency of 100 ms; it knows 20"):
        tabulate([trigger(0)], "100")


@pytest.mark.parametrize("changes", [{"edge_bps": NAN}, {"edge_usd": NAN}])
def test_a_fill_without_a_label_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(InputError, match="seed 0, trigger 2 filled and has no edge label"):
        tabulate([trigger(2, orders=(order(**changes),))], LATENCY)
