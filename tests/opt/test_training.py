"""What the table of algorithms says of each is so."""

import dataclasses

import pytest

import counterpoint as ct
from counterpoint.opt.training import algorithm, read_settings

NAMES = [(a.problem, a.name) for a in ct.algorithms()]


@pytest.mark.parametrize(("problem", "name"), NAMES)
def test_every_algorithm_has_documented_settings(problem, name):
    chosen = algorithm(problem, name)
    config = chosen.config({"iterations": 7})
    assert config.iterations == 7
    text = type(config).__doc__
    for field in dataclasses.fields(config):
        assert field.name in text, field.name
    with pytest.raises(ct.OptionError, match="did you mean iterations"):
        chosen.config({"iteration": 7})
    with pytest.raises(ct.OptionError):
        chosen.config({"iterations": 0})
    with pytest.raises(ct.OptionError, match="iterations"):
        chosen.config({"iterations": "many"})


def test_names_are_unique_and_the_default_comes_first():
    assert len(NAMES) == len(set(NAMES))
    assert algorithm("job-shop").name == "self-labelled"
    with pytest.raises(ct.UnknownNameError, match="did you mean job-shop"):
        algorithm("jobshop")


def test_settings_of_a_file_keep_their_types(tmp_path):
    file = tmp_path / "x.toml"
    file.write_text("iterations = 3\nsizes = [[3, 4]]\n")
    config = algorithm("job-shop", "self-labelled").config(read_settings(file))
    assert config.sizes == ((3, 4),)
