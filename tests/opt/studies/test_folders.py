"""File names from untrusted text: inside the folder, distinct, and allowed on all systems."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from counterpoint.opt.studies.folders import MAX_BYTES, RESERVED, safe_name

HOSTILE = [
    "../x", "/etc/x", "CON", "con.txt", "x" * 300, "a\nb", "a\0b", "🤖", "", ".", "..", "dot.", "space ", " lead",
    "Case", "case", "CASE", "a/b", "a\\b", "C:\\x", "~root", "-rf", "\x1b[2J", "\u202egnp.exe", "é", "e\u0301",
    "ﬁ", "fi", "STRASSE", "straße", "\ud800", "<script>", "NUL ", "COM¹", "a:b", "\u0131" * 200, "*?", "$HOME", "`id`",
]  # fmt: skip


def is_allowed(name):
    stem = name.split(".")[0].strip().casefold()
    return (
        0 < len(name.encode()) <= MAX_BYTES + 12
        and not set(name) & set('/\\:*?"<>|\0')
        and name.isprintable()
        and name[0] not in ". -~"
        and name[-1] not in ". "
        and stem not in RESERVED
    )


def test_hostile_names_stay_inside_and_apart(tmp_path):
    taken = set()
    names = [safe_name(text, taken) for text in HOSTILE + HOSTILE]
    assert [n for n in names if not is_allowed(n)] == []
    assert len({unicodedata.normalize("NFKC", n).casefold() for n in names}) == len(names) == 2 * len(HOSTILE)
    for name in names:
        path = tmp_path / f"{name}.json"
        path.write_text("{}")
        assert path.resolve().parent == tmp_path.resolve()
    assert len(list(tmp_path.iterdir())) == len(names)
    assert len(list(tmp_path.parent.iterdir())) == len({p.name for p in tmp_path.parent.iterdir()})


def test_plain_names_stay():
    taken = set()
    names = ["ft06", "ta01--cp-sat--0", "Größe 3", "多機械", "a.b,c=1"]
    assert [safe_name(n, taken) for n in names] == names


def test_the_same_name_twice():
    taken = set()
    first, second, third = (safe_name("ft06", taken) for _ in range(3))
    assert first == "ft06"
    assert len({first, second, third}) == 3
    assert second.startswith("ft06-")


def test_long_names_that_differ_at_the_end_differ():
    taken = set()
    assert safe_name("x" * 300 + "1", taken) != safe_name("x" * 300 + "2", taken)


@given(st.lists(st.text(max_size=200), min_size=1, max_size=8))
@example(["a", "A", "\u00aa"])
@example(["x-2", "x", "x", "x"])
def test_any_text(texts):
    taken = set()
    names = [safe_name(t, taken) for t in texts]
    assert all(is_allowed(n) for n in names)
    assert len(taken) == len(names) == len(set(names))
    assert all(Path("/out", n).parent == Path("/out") for n in names)


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_reserved(name):
    for text in (name, name.upper(), f"{name}.txt", f" {name}"):
        assert is_allowed(safe_name(text))
