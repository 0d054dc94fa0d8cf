"""The live display: silent where nobody looks, and untrusted names do no harm."""

import io

import bad_methods
import pytest
from rich.console import Console

from counterpoint.opt.budget import Budget
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.studies.case import Case
from counterpoint.opt.studies.event import Event
from counterpoint.opt.studies.progress import LiveDisplay, live_display, notebook_bar
from counterpoint.opt.studies.study import run_study

SHOP = bad_methods.shop(1)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def text_of(display):
    console = Console(file=io.StringIO(), width=140)
    console.print(display.render())
    return console.file.getvalue()


def case(shop=SHOP, limit=20.0):
    return Case(shop, bad_methods.method("quick"), 0, Budget(limit))


def test_silent_where_nobody_looks(terminal, monkeypatch):
    assert live_display(io.StringIO()) is None
    assert live_display(terminal) is not None
    monkeypatch.setenv("CI", "true")
    assert live_display(terminal) is None
    monkeypatch.delenv("CI")
    monkeypatch.setenv("TERM", "dumb")
    assert live_display(terminal) is None


def test_shows_running_cases_and_counts(terminal):
    display = LiveDisplay(terminal)
    display(Event("opened", 4, 1, 0, 1))
    display(Event("started", 4, 1, 0, 1, case(), 2))
    display(Event("incumbent", 4, 1, 0, 1, case(), 2, 1.0, 110.0, 99.0))
    shown = text_of(display)
    assert "quick on shop-1, seed 0" in shown
    assert "1/20 s" in shown
    assert all(number in shown for number in ("110", "99", "10.00 %"))
    assert "1/4 done, 0 failed, 1 running, 1 from the store" in shown
    display(Event("finished", 4, 2, 1, 1, case(), 2, 1.0))
    shown = text_of(display)
    assert "shop-1" not in shown
    assert "2/4 done, 1 failed, 0 running, 1 from the store, about" in shown
    display(Event("closed", 4, 2, 1, 1))


def test_names_are_text(terminal):
    hostile = JobShop.from_matrices("[red]\x1b[2J[/nonsense]", SHOP.machine.reshape(3, 3), SHOP.duration.reshape(3, 3))
    display = LiveDisplay(terminal)
    display(Event("started", 1, 0, 0, 0, case(hostile), 0))
    shown = text_of(display)
    assert "[red]\\x1b[2J[/nonsense]" in shown
    assert "\x1b[2J" not in shown


def test_many_running(terminal):
    display = LiveDisplay(terminal)
    for i in range(20):
        display(Event("started", 20, 0, 0, 0, case(), i))
    assert "and 8 more" in text_of(display)


def test_a_study_draws_and_cleans_up(terminal):
    run_study([case(limit=None)], progress=LiveDisplay(terminal))
    assert "1/1 done" in terminal.getvalue()


def test_a_study_in_a_notebook(capsys):
    run_study([case(limit=None)], progress=notebook_bar())
    assert "1/1" in capsys.readouterr().err
