"""CSV tables and JSON of a case's folder: numbers as written, mistakes with file and line."""

import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hydro_folders import put_case

from counterpoint.datasets.formats import FOLDER_FORMATS, folder_format
from counterpoint.datasets.hydrothermal.tables import folder_json, folder_text, in_json_file, table
from counterpoint.datasets.reading import read
from counterpoint.opt.errors import InstanceError, UnknownNameError
from counterpoint.opt.problems.table import resolve


def test_numbers_are_read_as_they_are_written():
    labels, found = table(b"1,-2.5,+3e2\n .5 ,4., 0\n", "t.csv")
    assert found.tolist() == [[1.0, -2.5, 300.0], [0.5, 4.0, 0.0]]
    assert labels == ["", ""]


def test_what_is_smaller_than_any_normal_number_is_0():
    assert table(b"9.2e-316,-6e-320,2.3e-308\n", "t.csv")[1].tolist() == [[0.0, 0.0, 2.3e-308]]


def test_headers_labels_and_missing_numbers():
    text = b'"",A,B\nx,1,NA\n"y",2,3\n'
    labels, found = table(text, "t.csv", names=("A", "B"), has_index=True, missing=("NA",))
    assert labels == ["x", "y"]
    assert math.isnan(found[0, 1])
    assert found[1].tolist() == [2.0, 3.0]
    with pytest.raises(InstanceError, match=r"t.csv:2: 'NA' is no finite number"):
        table(text, "t.csv", names=("A", "B"), has_index=True)
    with pytest.raises(InstanceError, match=r"t.csv:1: expected the columns A, C, not A, B"):
        table(text, "t.csv", names=("A", "C"), has_index=True)
    assert table(b"p;q\n1;2\n", "t.csv", delimiter=";", names=())[1].tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "t.csv:1: expected rows of numbers"),
        (b"\n \n", "t.csv:1: expected rows of numbers"),
        (b"1,2\n\n3\n", "t.csv:3: expected 2 columns, not 1"),
        (b"1,1_000\n", "t.csv:1: '1_000' is no finite number"),
        (b"1,0x10\n", "t.csv:1: '0x10'"),
        (b"1,inf\n", "t.csv:1: 'inf'"),
        (b"1,1e400\n", "t.csv:1: '1e400'"),
        (b"1,1e99999\n", "t.csv:1: '1e99999'"),
        (b"1,\xd9\xa3\n", "t.csv:1: '\u0663' is no finite number"),
        (b"1\n2\xff\n", "t.csv:2: not UTF-8 text"),
        (b"1,\x1b[31m\n", r"t.csv:1: '\\x1b\[31m' is no"),
    ],
)
def test_mistakes_have_their_line(text, message):
    with pytest.raises(InstanceError, match=message):
        table(text, "t.csv")


def test_a_table_needs_its_header():
    with pytest.raises(InstanceError, match=r"t.csv:1: expected a header"):
        table(b"", "t.csv", names=("A",))
    with pytest.raises(InstanceError, match=r"t.csv:1: expected rows of numbers"):
        table(b"A\n", "t.csv", names=("A",))


@given(st.lists(st.lists(st.floats(-1e300, 1e300), min_size=3, max_size=3), min_size=1, max_size=5))
def test_python_numbers_there_and_back(rows):
    text = "\n".join(",".join(map(repr, row)) for row in rows).encode()
    expected = [[0.0 if abs(x) < sys.float_info.min else x for x in row] for row in rows]
    assert table(text, "t.csv")[1].tolist() == expected


def test_files_of_a_folder(tmp_path):
    (tmp_path / "a.json").write_text('{"x": [1,\n 2,\n "three"]}')
    assert folder_json(tmp_path, "a.json") == {"x": [1, 2, "three"]}
    placed = in_json_file(InstanceError("no number", place=("x", 2)), tmp_path, "a.json")
    assert str(placed) == f"{tmp_path / 'a.json'}:3: x[2]: no number"
    (tmp_path / "b.json").write_text('{"x": 1,\n "x": 2}')
    with pytest.raises(InstanceError, match=r"b.json:2: an object names the same field twice"):
        folder_json(tmp_path, "b.json")
    (tmp_path / "c.json").write_text("[1,\n2")
    with pytest.raises(InstanceError, match=r"c.json:2: not JSON"):
        folder_json(tmp_path, "c.json")
    (tmp_path / "d.json").mkdir()
    for name in ("d.json", "e.json"):
        with pytest.raises(InstanceError, match=rf"{name}:1: the folder needs this file"):
            folder_text(tmp_path, name)


def test_folder_formats_are_told_by_their_marks_and_can_be_loaded(tmp_path):
    assert folder_format(tmp_path) is None
    assert folder_format(tmp_path / "nowhere") is None
    marks = [mark for f in FOLDER_FORMATS for mark in f.marks]
    assert len(set(marks)) == len(marks)
    for known in FOLDER_FORMATS:
        assert callable(resolve(known.reader))
        for mark in known.marks:
            folder = tmp_path / f"{known.name}-{mark}"
            folder.mkdir()
            (folder / mark).write_text("")
            assert folder_format(folder) is known
            assert folder_format(folder, known.problem) is known
            assert folder_format(folder, "job-shop") is None


def test_a_folder_format_can_be_asked_for_by_name(tmp_path):
    put_case(tmp_path / "case")
    assert read(tmp_path / "case", format="hydropowermodels") == read(tmp_path / "case")
    with pytest.raises(InstanceError, match=r"hydro.csv:1: the folder needs this file"):
        read(tmp_path / "case", format="subsystems")
    with pytest.raises(InstanceError, match=r"PowerModels.json:1: the folder needs this file"):
        read(tmp_path, format="hydropowermodels")
    with pytest.raises(UnknownNameError, match="no format named 'subsystem'; did you mean subsystems"):
        read(tmp_path / "case", format="subsystem")
