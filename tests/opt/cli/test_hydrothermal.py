"""Hydrothermal systems from the command line: folders that are cases, names, random ones."""

import json
from pathlib import Path

import pytest
from tests.hydro_folders import put_case, put_subsystems
from tests.opt.cli.test_cli import call

import counterpoint as ct
from counterpoint.opt.cli.inputs import load_instances
from counterpoint.opt.problems.hydrothermal_json import encode


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    put_case(tmp_path / "b-case", case='network = "single-bus"\n')
    put_subsystems(tmp_path / "a-regions")
    return tmp_path


def test_a_folder_that_is_a_case_is_one_instance_and_one_that_holds_cases_all_of_them(cases):
    instances, errors = load_instances([str(cases / "b-case")])
    assert ([i.name for i in instances], errors) == (["b-case"], [])
    (cases / "c.json").write_text((cases / "b-case" / "hydro.json").read_text())
    instances, errors = load_instances([str(cases)])
    assert [i.name for i in instances] == ["a-regions", "b-case"]
    assert len(errors) == 1
    assert "c.json" in str(errors[0])


def test_what_a_case_misses_is_told_by_name(cases):
    (cases / "b-case" / "hydro.json").unlink()
    _, errors = load_instances([str(cases / "b-case")])
    assert [str(e) for e in errors] == [f"{cases / 'b-case' / 'hydro.json'}:1: the folder needs this file"]
    (cases / "b-case" / "PowerModels.json").unlink()
    _, errors = load_instances([str(cases / "b-case")])
    assert "PowerModels.json:1: the folder needs this file" in str(errors[0])


def test_a_case_becomes_one_file_and_stays_itself(cases):
    call("convert", cases / "a-regions", cases / "regions.json")
    assert ct.read(cases / "regions.json") == ct.read(cases / "a-regions")


def test_policies_are_evaluated_on_a_case(cases):
    done = call("evaluate", cases / "b-case", "-p", "myopic", "-p", "hoard", "-n", 3, "--json", "-q")
    found = json.loads(done.stdout)
    text = json.dumps(found)
    assert "myopic" in text
    assert "hoard" in text
    mine = ct.evaluate(["myopic", "hoard"], ct.read(cases / "b-case"), scenarios=3, progress=False)
    costs = mine.frame.groupby("policy")["cost"].mean()
    assert costs["myopic"] <= costs["hoard"]


def test_a_run_cannot_be_checked_without_its_scenario(cases):
    [episode] = ct.simulate("myopic", str(cases / "b-case"))
    (cases / "run.json").write_text(json.dumps(encode(episode.trajectory)))
    message = call("check", cases / "run.json", "--instance", cases / "b-case", status=2).stderr
    assert "hydrothermal is a sequential problem: a run is checked with its scenario, by Episode.check()" in message


def test_random_systems_are_written_and_read(tmp_path):
    call("generate", "hydrothermal", "--set", "reservoirs=2", "--set", "network=transport", "-n", 2, "--out", tmp_path)
    made = [ct.read(path) for path in sorted(tmp_path.glob("*.json"))]
    assert [m.name for m in made] == ["river-2x3-0", "river-2x3-1"]
    assert made[1] == ct.generate("hydrothermal", reservoirs=2, network="transport", seed=1)


def test_public_names_are_taken(tmp_path):
    call("convert", "brazil-3", tmp_path / "brazil.json")
    assert ct.read(tmp_path / "brazil.json") == ct.benchmark("brazil-3")
    done = call("evaluate", "case3", "-p", "myopic", "-n", 2, "--json", "-q")
    assert "case3" in done.stdout
