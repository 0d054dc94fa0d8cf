"""Tables on narrow terminals: nothing is cut."""

import io

import pytest

from counterpoint.opt.cli.output import column_blocks, print_table, tell


@pytest.mark.parametrize("width", [50, 80, 200])
def test_every_figure_and_heading_is_whole(width, monkeypatch):
    columns = ["method", *(f"heading{i}" for i in range(12))]
    rows = [["spt", *(10**8 + i for i in range(12))], ["mwkr", *(2 * 10**8 + i for i in range(12))]]
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    print_table(columns, rows)
    text = terminal.getvalue()
    assert all(str(value) in text for row in rows for value in row)
    assert all(name in text for name in columns)
    blocks = text.count("spt")
    assert blocks == {50: 4, 80: 3, 200: 1}[width]
    assert text.count("method") == blocks  # each part says whose figures it holds


@pytest.mark.parametrize(("setting", "coloured"), [("1", False), ("", True)])
def test_no_color_means_no_colour(setting, coloured, monkeypatch):
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("NO_COLOR", setting)
    tell("counterpoint: bad", "red")
    assert ("\x1b[" in terminal.getvalue()) is coloured
    assert "counterpoint: bad" in terminal.getvalue()


def test_blocks_repeat_the_keys_and_lose_nothing():
    blocks = column_blocks([9, 9, 30, 4, 50, 4], num_keys=2, limit=40)
    assert all(block[:2] == [0, 1] for block in blocks)
    assert [i for block in blocks for i in block[2:]] == [2, 3, 4, 5]
    assert column_blocks([5], num_keys=1, limit=3) == [[0]]
