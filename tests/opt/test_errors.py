"""Errors say where and what to do, and carry no control characters to a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.opt.errors import CounterpointError, InstanceError, UnknownNameError, printable


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (InstanceError("bad"), "bad"),
        (InstanceError("bad", file="a.txt"), "a.txt: bad"),
        (InstanceError("bad", file="a.txt", line=3), "a.txt:3: bad"),
        (InstanceError("bad", place=("jobs", 3, 0)), "jobs[3][0]: bad"),
        (InstanceError("bad", file="a.txt", place=("x", "y", 1)), "a.txt: x.y[1]: bad"),
    ],
)
def test_the_place_comes_first(error, text):
    assert str(error) == text
    assert isinstance(error, CounterpointError | ValueError)


def test_a_file_is_added_later_and_the_place_kept():
    inner = InstanceError("bad", line=7, place=("jobs", 1))
    outer = inner.at("a.txt")
    assert str(outer) == "a.txt:7: jobs[1]: bad"
    assert str(outer.at(None, 9)) == "a.txt:9: jobs[1]: bad"


@pytest.mark.parametrize(
    ("name", "hint"), [("cp-sta", "did you mean cp-sat"), ("qqqq", "known: cp-sat, spt"), ("", "known: cp-sat, spt")]
)
def test_unknown_names_get_a_hint(name, hint):
    error = UnknownNameError("method", name, ["spt", "cp-sat"])
    assert hint in str(error)
    assert str(error).startswith(f"no method named {name!r}")
    assert isinstance(error, LookupError)


def test_of_many_names_a_few_are_shown():
    error = UnknownNameError("benchmark", "qqqq", [f"ta{i:03}" for i in range(300)])
    assert str(error).endswith("ta006, ta007, ... (300 in all)")


@given(st.text())
def test_no_text_drives_a_terminal(text):
    for shown in (
        printable(text),
        str(InstanceError(text, file=text, line=1, place=(text,))),
        str(UnknownNameError("method", text, ["spt"])),
    ):
        assert shown.isprintable()


def test_printable_keeps_letters_of_all_scripts():
    assert printable("Größe 日本 ☃") == "Größe 日本 ☃"
    assert printable("\x1b[31mred\n") == "\\x1b[31mred\\n"
    assert printable("\u202egnp") == "\\u202egnp"  # right-to-left override
