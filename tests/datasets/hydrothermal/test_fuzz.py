"""Damaged folders give an InstanceError that names a file, or a system that is valid; never anything else."""

import copy
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.hydro_folders import INFLOWS, SUBSYSTEMS, grid, hydro, put_case, put_subsystems

from counterpoint.datasets.hydrothermal.powermodels import read_case
from counterpoint.datasets.hydrothermal.subsystems import read_subsystems
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_json import decode, encode
from counterpoint.opt.problems.hydrothermal_run import draw_scenarios

RELAXED = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
SCRAPS = st.sampled_from(
    [None, True, False, -1, 0, 1, 2.5, -1e-9, 1e300, 10**30, "", "x", [], [1], {}, {"1": {}}, [[]]]
)


def places(data, path=()):
    """Every place in the data."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def damaged(data, place, scrap, is_cut):
    data = copy.deepcopy(data)
    inner = data
    for key in place[:-1]:
        inner = inner[key]
    if is_cut:
        del inner[place[-1]]
    else:
        inner[place[-1]] = scrap
    return data


def assert_valid_or_refused(reader, folder):
    refused = None
    try:
        system = reader(folder)
    except InstanceError as error:
        refused = error
    if refused is not None:
        assert (refused.file or "").startswith(str(folder))
        assert refused.message
        return
    assert isinstance(system, Hydrothermal)
    assert decode(encode(system)) == system
    draw_scenarios(system, 1, 0)


@RELAXED
@given(st.sampled_from(list(places(grid()))), SCRAPS, st.booleans())
def test_damaged_grids(tmp_path, place, scrap, is_cut):
    assert_valid_or_refused(read_case, put_case(tmp_path / "case", grid_=damaged(grid(), place, scrap, is_cut)))


@RELAXED
@given(st.sampled_from(list(places(hydro()))), SCRAPS, st.booleans())
def test_damaged_plants(tmp_path, place, scrap, is_cut):
    assert_valid_or_refused(read_case, put_case(tmp_path / "case", hydro_=damaged(hydro(), place, scrap, is_cut)))


PIECES = st.sampled_from(["", ",", ";", "\n", "-", "NA", "1e400", "nan", "\x00", "\u0663", " ", "9", "0x1", "1_0", '"'])


@st.composite
def edits(draw, text):
    """The text with a piece put in or cut out somewhere."""
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 6)))
    return text[:start] + draw(PIECES) + text[end:]


@RELAXED
@given(edits(INFLOWS), edits("0.2,0.3,0.5\n1,0,0\n"), st.booleans())
def test_damaged_tables(tmp_path, inflows, probability, has_probability):
    folder = put_case(tmp_path / "case", inflows=inflows)
    (folder / "scenarioprobability.csv").unlink(missing_ok=True)
    if has_probability:
        put_case(folder, inflows=inflows, scenarioprobability=probability)
    assert_valid_or_refused(read_case, folder)


@RELAXED
@given(st.sampled_from(sorted(SUBSYSTEMS)).flatmap(lambda name: st.tuples(st.just(name), edits(SUBSYSTEMS[name]))))
def test_damaged_regions(tmp_path, edit):
    name, text = edit
    folder = put_subsystems(tmp_path / "regions")
    (folder / name).write_text(text)
    assert_valid_or_refused(read_subsystems, folder)


@RELAXED
@given(st.sampled_from(["PowerModels.json", "hydro.json", "inflows.csv", "case.toml"]), st.binary(max_size=40))
def test_any_bytes(tmp_path, name, content):
    folder = put_case(tmp_path / "case", case='network = "dc"\n')
    (folder / name).write_bytes(content)
    assert_valid_or_refused(read_case, folder)


@RELAXED
@given(st.text('{}[]",:0123456789.-netwrkhoizdc= \n', max_size=40))
def test_any_case_toml(tmp_path, text):
    assert_valid_or_refused(read_case, put_case(tmp_path / "case", case=text))


def test_the_undamaged_ones_are_read(tmp_path):
    assert read_case(put_case(tmp_path / "a")).num_reservoirs == 2
    assert read_subsystems(put_subsystems(tmp_path / "b")).num_reservoirs == 2
    assert json.loads((tmp_path / "a" / "hydro.json").read_text()) == hydro()
