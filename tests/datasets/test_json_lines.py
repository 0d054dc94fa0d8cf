import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.datasets.json_lines import first_bad_token, line_of_place

values = st.recursive(
    st.integers() | st.text(max_size=8) | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=25,
)


def places(value, place=()):
    yield place
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from places(item, (*place, key))


def put_marker(value, place):
    """The value with the one at `place` replaced by a marker."""
    if not place:
        return "MARK"
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = put_marker(value[place[0]], place[1:])
    return copy


@settings(max_examples=200, deadline=None)
@given(values, st.data(), st.sampled_from([None, 0, 1, 3]))
def test_the_line_is_where_the_value_stands(value, data, indent):
    place = data.draw(st.sampled_from(list(places(value))))
    text = json.dumps(put_marker(value, place), indent=indent, ensure_ascii=data.draw(st.booleans()))
    marked = [n for n, line in enumerate(text.split("\n"), 1) if '"MARK"' in line]
    if text.count('"MARK"') == 1:
        assert line_of_place(text, place) == marked[0]


def test_a_missing_place_gives_its_container():
    text = '{\n "a": [\n  1,\n  2\n ]\n}'
    assert line_of_place(text, ("a", 1)) == 4
    assert line_of_place(text, ("a", 7)) == 2
    assert line_of_place(text, ("b",)) == 1
    assert line_of_place(text, ()) == 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"a": 1}', 1),
        ('{"a": "NaN",\n"b":\nNaN}', 3),
        ("[1,\n-Infinity]", 2),
        ('{"a": 1,\n"b": {"a": 1},\n"a": 2}', 3),
        ('[{"a": 1},\n{"a": 1, "b": ["a", "a"]},\n{"x": 1,\n"x": 1}]', 4),
        ("[1,\n" + "9" * 5000 + "]", 2),
        ('["' + "9" * 5000 + '",\nNaN]', 2),
        ("[\n" + "[" * 1000, 2),
    ],
)
def test_bad_tokens_are_found(text, line):
    assert first_bad_token(text) == line
