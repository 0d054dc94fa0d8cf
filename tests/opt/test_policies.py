"""Policies by name and from checkpoints, whatever their paths look like."""

import json
import shutil

import pytest
from typer.testing import CliRunner

import counterpoint as ct
from counterpoint.models.checkpoints_shipped import shipped
from counterpoint.opt.cli.main import app
from counterpoint.opt.errors import OptionError
from counterpoint.opt.studies.case import Case

SHOP = ct.generate("job-shop", jobs=4, machines=3, seed=1)
PLANT = ct.generate("interrupted-job-shop", jobs=4, machines=3, seed=1)


@pytest.fixture
def odd(tmp_path):
    """A folder whose name has everything that means something in a method's spec."""
    folder = tmp_path / "a b:x=1,2"
    folder.mkdir()
    for name in ("job_shop_self_labelled", "interrupted_job_shop"):
        shutil.copy(shipped(name), folder / f"{name}.safetensors")
    return folder


def test_a_checkpoint_of_a_static_problem_solves(odd):
    path = odd / "job_shop_self_labelled.safetensors"
    for what in (path, str(path)):
        policy = ct.policy(what, options={"mode": "greedy"}, seed=3)
        result = policy.solve(SHOP)
        assert (result.method, result.seed, result.options["mode"]) == ("self-labelled", 3, "greedy")
        assert result.objective == ct.solve(SHOP, "self-labelled:mode=greedy").objective
    with pytest.raises(ct.OptionError, match="no option 'mod'; did you mean mode"):
        ct.policy(path, options={"mod": "greedy"})


def test_a_checkpoint_of_a_sequential_problem_decides(odd):
    path = odd / "interrupted_job_shop.safetensors"
    found = ct.evaluate(["gnn", path, "mwkr"], PLANT, scenarios=3, progress=False)
    assert found.costs("gnn").tolist() == found.costs(str(path)).tolist()


def test_a_checkpoint_may_be_an_option(tmp_path):
    path = tmp_path / "p.safetensors"
    shutil.copy(shipped("interrupted_job_shop"), path)
    found = ct.evaluate(["gnn", f"gnn:checkpoint={path}"], PLANT, scenarios=2, progress=False)
    assert found.costs("gnn").tolist() == found.costs(f"gnn:checkpoint={path}").tolist()


def test_policies_are_for_their_problem():
    with pytest.raises(ct.CheckpointError, match="for job-shop, not for interrupted-job-shop"):
        ct.policy(shipped("job_shop_self_labelled"), PLANT)
    with pytest.raises(ct.UnsupportedError, match="by solve or compare"):
        ct.policy("spt", SHOP)
    with pytest.raises(ct.OptionError, match="needs an instance"):
        ct.policy("mwkr")
    with pytest.raises(ct.UnsupportedError, match="by evaluate"):
        ct.solve(PLANT, "mwkr")


def test_a_retrained_checkpoint_is_another_case(tmp_path):
    path = tmp_path / "p.safetensors"
    path.write_bytes(b"1")
    method = f"self-labelled:checkpoint={path}"
    before = Case(SHOP, method).key
    assert Case(SHOP, method).key == before
    path.write_bytes(b"2")
    assert Case(SHOP, method).key != before


def test_the_command_line_judges_what_it_can(tmp_path):
    ct.write(PLANT, tmp_path / "plant.json")
    ct.write(SHOP, tmp_path / "shop.json")
    table = tmp_path / "costs.csv"
    files = [str(tmp_path / "shop.json"), str(tmp_path / "plant.json")]
    done = CliRunner().invoke(
        app, ["evaluate", *files, "-p", "fifo", "-p", "mwkr", "-n", "4", "--json", "--export", str(table)]
    )
    assert done.exit_code == 2  # the static shop was refused, the plant judged
    (found,) = json.loads(done.stdout)
    assert found["instance"] == PLANT.name
    assert sorted(row["policy"] for row in found["summary"]) == ["fifo", "mwkr"]
    assert len(table.read_text().splitlines()) == 9


def test_a_tree_is_an_option_in_text():
    assert ct.policy("tree-mip:branching=3/2,samples=30", "plant-2x1").options.branching == (3, 2)
    with pytest.raises(OptionError, match=r"^method tree-mip: branching must be numbers of at least 1"):
        ct.policy("tree-mip:branching=3/0", "plant-2x1")


@pytest.mark.parametrize("instance", ["plant-2x1", "case3"])
def test_a_seed_below_zero_is_refused(instance):
    with pytest.raises(OptionError, match="seed of a policy must be at least 0, not -1"):
        ct.policy("random", instance, seed=-1)
