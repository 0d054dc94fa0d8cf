"""Mutated files: both readers refuse with a line what they can tell, and never fail with another error.

What is accepted after a mutation must be an instance that the written form of itself reproduces: the reader made
sense of every number it was given.
"""

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.datasets.generators.pigment_sequencing import uniform
from counterpoint.datasets.pigment_sequencing.dzn import read_dzn, write_dzn
from counterpoint.datasets.pigment_sequencing.psp import read_psp, write_psp
from counterpoint.datasets.text import data_lines
from counterpoint.opt.errors import InstanceError

FORMATS = {"psp": (read_psp, write_psp), "dzn": (read_dzn, write_dzn)}
CHARACTERS = string.digits + string.ascii_letters + " \n\t-+.,;=|[]%#\u0663\x00é"
TOKENS = ["", "0", "1", "-1", "7", "nan", "1e3", "1_0", "9" * 25, "0x1", "½", "[|", "|]", ";", "Items", "\n"]


@st.composite
def mutated(draw, kind):
    """A well-formed file with one to three mutations."""
    seed = draw(st.integers(0, 50))
    size = {"items": 1 + seed % 3, "periods": 1 + seed % 7, "seed": seed, "stocking_max": 10 if kind == "psp" else 20}
    text = FORMATS[kind][1](uniform(**size))
    for _ in range(draw(st.integers(1, 3))):
        how = draw(st.sampled_from(["cut", "character", "token", "drop line", "double line"]))
        at = draw(st.integers(0, len(text)))
        if how == "cut":
            text = text[:at]
        elif how == "character":
            text = text[:at] + draw(st.sampled_from(CHARACTERS)) + text[at + draw(st.integers(0, 1)) :]
        elif how == "token":
            parts = text.split(" ")
            parts[draw(st.integers(0, len(parts) - 1))] = draw(st.sampled_from(TOKENS))
            text = " ".join(parts)
        else:
            lines = text.splitlines(keepends=True) or [""]
            line = draw(st.integers(0, len(lines) - 1))
            lines[line] = lines[line] * (2 if how == "double line" else 0)
            text = "".join(lines)
    return text


def outcome(kind, raw):
    """Return (instance, None) or (None, the line that an InstanceError names)."""
    try:
        return FORMATS[kind][0](data_lines(raw), "x"), None
    except InstanceError as error:
        return None, error.line


def judge(kind, raw):
    if not data_lines(raw):
        return  # `read` refuses it before any format is asked
    instance, line = outcome(kind, raw)
    if instance is None:
        assert line is not None
        assert 1 <= line <= raw.count(b"\n") + 1
    else:
        assert outcome(kind, FORMATS[kind][1](instance).encode())[0] == instance


@settings(max_examples=600, deadline=None)
@given(text=mutated("psp"))
def test_psp(text):
    judge("psp", text.encode())


@settings(max_examples=600, deadline=None)
@given(text=mutated("dzn"))
def test_dzn(text):
    judge("dzn", text.encode())


@settings(max_examples=300, deadline=None)
@given(raw=st.binary(max_size=200), kind=st.sampled_from(["psp", "dzn"]))
def test_any_bytes(raw, kind):
    judge(kind, raw)
