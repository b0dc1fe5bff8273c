"""Names from outside never carry control characters to a terminal."""

from __future__ import annotations

from pathlib import Path

from aftershock.model.events import Liquidation
from aftershock.model.table import InstrumentTable
from aftershock.venues.tardis import open_source

HEAD = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
GOOD = "ftx,BTC-PERP,1667260805098533,1667260805123533,1,sell,20480,1.5\n"


def test_a_name_with_control_characters_is_a_broken_row(tmp_path: Path) -> None:
    path = tmp_path / "ftx_liquidations.csv"
    path.write_text(HEAD + GOOD.replace("BTC-PERP", "BTC\x1b[31m-PERP") + GOOD, encoding="utf-8")
    source = open_source(path, index=0, table=InstrumentTable())
    events = list(source)
    assert [event.symbol for event in events if isinstance(event, Liquidation)] == ["BTC-PERP"]
    assert source.report.dropped == {"no_symbol": 1}


def test_a_message_with_control_characters_in_its_name_is_dropped_and_counted(tmp_path: Path) -> None:
    line = (
        '{"type":"liquidation","symbol":"BTC-PERP","exchange":"ftx","id":"1","price":20480,"amount":1.5,"side":"sell",'
        '"timestamp":"2022-11-01T00:00:05.098533Z","localTimestamp":"2022-11-01T00:00:05.123533Z"}\n'
    )
    path = tmp_path / "machine.ndjson"
    path.write_text(line + line.replace("BTC-PERP", "BTC\\u0007-PERP").replace('"1"', '"2"'), encoding="utf-8")
    source = open_source(path, index=0, table=InstrumentTable())
    assert len(list(source)) == 1
    assert source.report.rows_dropped == 1


def test_a_trade_at_no_price_is_a_broken_row(tmp_path: Path) -> None:
    path = tmp_path / "ftx_liquidations.csv"
    path.write_text(HEAD + GOOD.replace("20480", "0"), encoding="utf-8")
    source = open_source(path, index=0, table=InstrumentTable())
    assert list(source) == []
    assert source.report.dropped == {"price_not_positive": 1}
