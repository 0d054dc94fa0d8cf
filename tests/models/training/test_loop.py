"""Runs end where they should, keep what they found, resume bit for bit, and survive interrupts and kills."""

import csv
import json
import os
import signal

import pytest
import torch
from tests.ctrl_c import wrapped

import counterpoint as ct
from counterpoint.models.checkpoints import load_policy
from counterpoint.models.training.loop import train


def rows(folder):
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def weight(path):
    return load_policy(path).tensors["weight"]


def test_a_run_goes_its_whole_length(tmp_path, toy):
    seen = []
    done = train("job-shop", "toy", out=tmp_path, evaluate_every=5, progress=lambda *a: seen.append(a))
    assert done.termination is ct.Termination.COMPLETED
    assert [int(r["iteration"]) for r in rows(tmp_path)] == list(range(21))
    evaluated = [(int(r["iteration"]), float(r["cost"])) for r in rows(tmp_path) if r["cost"]]
    assert [i for i, _ in evaluated] == [0, 5, 10, 15, 20]
    assert evaluated[0][1] == 3.0  # before anything was learnt
    assert [s[0] for s in seen] == list(range(1, 21))
    assert seen[-1][1] == 20
    assert done.evaluation == {"cost": pytest.approx(evaluated[-1][1])}
    assert torch.equal(weight(tmp_path / "last.safetensors"), toy[0].weight.detach())
    best = min(evaluated, key=lambda e: e[1])
    card = load_policy(done.policy).card
    assert card["iterations"] == best[0]
    assert card["evaluation"] == {"cost": pytest.approx(best[1])}
    assert card["algorithm"] == "toy"
    assert card["config"] == {"iterations": 20, "lr": 0.1}
    assert list(done.frame.columns) == ["iteration", "cost", "samples", "loss", "wall_s", "cpu_s"]
    assert done.plot().lines[0].get_xydata().tolist() == [[i, pytest.approx(c)] for i, c in evaluated]


def test_the_best_policy_is_kept_when_later_ones_are_worse(tmp_path, toy):
    done = train("job-shop", "toy", {"lr": 2.5, "iterations": 25}, out=tmp_path, evaluate_every=1, progress=False)
    costs = [float(r["cost"]) for r in rows(tmp_path)]
    assert costs[-1] > min(costs)  # such a step size overshoots, or this test says nothing
    assert load_policy(done.policy).card["iterations"] == costs.index(min(costs))
    assert abs(float(weight(done.policy)) - 3) == pytest.approx(min(costs))


def test_a_resumed_run_equals_a_straight_one_bit_for_bit(tmp_path, toy):
    options = {"evaluate_every": 3, "progress": False, "seed": 7}
    train("job-shop", "toy", out=tmp_path / "a", **options)
    part = train("job-shop", "toy", out=tmp_path / "b", iterations=8, **options)
    assert part.termination is ct.Termination.ITERATIONS
    done = train("job-shop", "toy", out=tmp_path / "b", resume=True, **options)
    assert done.termination is ct.Termination.COMPLETED
    for name in ("policy", "last"):
        assert torch.equal(*(weight(tmp_path / d / f"{name}.safetensors") for d in "ab"))
    keys = ("iteration", "cost", "samples", "loss")
    straight, resumed = ([[r[k] for k in keys] for r in rows(tmp_path / d)] for d in "ab")
    assert straight == resumed


def test_a_run_killed_after_its_last_saved_state_computes_the_lost_rows_again(tmp_path, toy):
    options = {"evaluate_every": 3, "progress": False}
    train("job-shop", "toy", out=tmp_path / "a", **options)
    train("job-shop", "toy", out=tmp_path / "b", iterations=6, **options)
    state = (tmp_path / "b" / "state.safetensors").read_bytes()
    train("job-shop", "toy", out=tmp_path / "b", iterations=11, resume=True, **options)
    (tmp_path / "b" / "state.safetensors").write_bytes(state)  # as if killed at 11, saved at 6 ...
    with (tmp_path / "b" / "metrics.csv").open("a") as file:
        file.write("12,0.")  # ... in the middle of a line
    train("job-shop", "toy", out=tmp_path / "b", resume=True, **options)
    straight, resumed = ([(r["iteration"], r["loss"]) for r in rows(tmp_path / d)] for d in "ab")
    assert straight == resumed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_finishes_the_iteration_and_saves(tmp_path, toy, number):
    def interrupt():
        if toy[0].iteration == 4:
            os.kill(os.getpid(), number)

    def watch(*args):
        toy[0].before_step = interrupt

    handler = signal.getsignal(number)
    done = train("job-shop", "toy", out=tmp_path / "a", progress=watch)
    assert done.termination is ct.Termination.INTERRUPTED
    assert done.iterations == 5
    assert signal.getsignal(number) is handler
    train("job-shop", "toy", out=tmp_path / "a", resume=True, progress=False)
    train("job-shop", "toy", out=tmp_path / "b", progress=False)
    assert torch.equal(*(weight(tmp_path / d / "last.safetensors") for d in "ab"))


def test_a_second_interrupt_leaves_at_once(tmp_path, toy):
    def watch(*args):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train("job-shop", "toy", out=tmp_path, progress=watch)
    done = train("job-shop", "toy", out=tmp_path, resume=True, progress=False)
    assert done.termination is ct.Termination.COMPLETED


def test_a_time_limit_stops_between_iterations(tmp_path, toy):
    done = train("job-shop", "toy", out=tmp_path, time_limit=0.0, progress=False)
    assert (done.termination, done.iterations) == (ct.Termination.TIME, 0)


def test_mistakes_are_told_before_anything_runs(tmp_path, toy):
    with pytest.raises(ct.OptionError, match="no setting 'lrr'; did you mean lr"):
        train("job-shop", "toy", {"lrr": 1}, out=tmp_path)
    with pytest.raises(ct.OptionError, match="setting iterations"):
        train("job-shop", "toy", {"iterations": "many"}, out=tmp_path)
    with pytest.raises(ct.UnknownNameError, match="did you mean toy"):
        train("job-shop", "toi", out=tmp_path)
    with pytest.raises(ct.OptionError, match="no device"):
        train("job-shop", "toy", out=tmp_path, device="abacus")
    with pytest.raises(ct.OptionError, match="cannot train on 'meta'; expected auto, cpu or cuda"):
        train("job-shop", "toy", out=tmp_path, device="meta")
    if not torch.cuda.is_available():
        with pytest.raises(ct.OptionError, match="no CUDA device"):
            train("job-shop", "toy", out=tmp_path, device="cuda")
    with pytest.raises(ct.OptionError, match="no run to resume"):
        train("job-shop", "toy", out=tmp_path, resume=True)
    bad = tmp_path / "c.toml"
    bad.write_text("lr = ")
    with pytest.raises(ct.OptionError, match="not TOML"):
        train("job-shop", "toy", bad, out=tmp_path)
    assert toy == []
    assert [p.name for p in tmp_path.iterdir()] == ["c.toml"]


def test_two_runs_do_not_mix_in_one_folder(tmp_path, toy):
    train("job-shop", "toy", out=tmp_path, progress=False)
    with pytest.raises(ct.OptionError, match="--resume goes on with it"):
        train("job-shop", "toy", out=tmp_path, progress=False)
    with pytest.raises(ct.OptionError, match="has seed 0, not 1"):
        train("job-shop", "toy", out=tmp_path, progress=False, resume=True, seed=1)
    with pytest.raises(ct.OptionError, match=r"has lr 0\.\d+, not 0.7; another --out"):
        train("job-shop", "toy", {"lr": 0.7}, out=tmp_path, progress=False, resume=True)
    with pytest.raises(ct.OptionError, match="has problem 'job-shop', not 'tsp'"):
        train("tsp", "toy", out=tmp_path, progress=False, resume=True)
    (tmp_path / "state.safetensors").write_bytes(b"damaged")
    with pytest.raises(ct.CheckpointError):
        train("job-shop", "toy", out=tmp_path, progress=False, resume=True)
    (tmp_path / "run.json").write_text('{"problem": "job-shop"}')
    with pytest.raises(ct.CheckpointError, match="expected an object with problem, algorithm, config"):
        train("job-shop", "toy", out=tmp_path, progress=False, resume=True)


def test_a_run_goes_on_with_its_own_settings(tmp_path, toy):
    settings = {"iterations": 12, "lr": 0.2}
    train("job-shop", "toy", settings, out=tmp_path / "straight", seed=3, progress=False)
    train("job-shop", "toy", settings, out=tmp_path / "run", seed=3, iterations=5, progress=False)
    done = train("job-shop", out=tmp_path / "run", resume=True, progress=False)
    assert done.iterations == 12
    straight, resumed = ([r["loss"] for r in rows(tmp_path / d)] for d in ("straight", "run"))
    assert straight == resumed


def test_settings_come_from_a_file_and_the_run_says_what_it_was(tmp_path, toy):
    file = tmp_path / "c.toml"
    file.write_text("iterations = 2\nlr = 0.5\n")
    train("job-shop", "toy", file, out=tmp_path / "run", progress=False)
    described = json.loads((tmp_path / "run" / "run.json").read_text())
    assert described["config"] == {"iterations": 2, "lr": 0.5}
    assert described["machine"]["torch"]


def test_tensorboard_gets_the_figures_where_it_is_installed(tmp_path, toy, monkeypatch):
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    monkeypatch.delenv("COUNTERPOINT_NO_TENSORBOARD")
    train("job-shop", "toy", {"iterations": 3}, out=tmp_path, progress=False)
    log = reading.EventAccumulator(str(tmp_path / "tensorboard"))
    log.Reload()
    written = [
        (e.step, pytest.approx(float(r["loss"]))) for e, r in zip(log.Scalars("loss"), rows(tmp_path)[1:], strict=True)
    ]
    assert written == [(e.step, e.value) for e in log.Scalars("loss")]


def test_the_command_line_trains_and_resumes(tmp_path, toy, capsys):
    from typer.testing import CliRunner

    from counterpoint.opt.cli.main import app

    common = ["train", "job-shop", "--out", str(tmp_path), "--json"]
    first = CliRunner().invoke(app, [*common, "-a", "toy", "--set", "lr=0.2", "--seed", "4", "--iterations", "3"])
    assert first.exit_code == 0, first.output
    assert json.loads(first.stdout)["termination"] == "iterations"
    second = CliRunner().invoke(app, [*common, "--resume"])
    assert json.loads(second.stdout)["iterations"] == 20
    listed = CliRunner().invoke(app, ["train", "--list", "--json"])
    assert {"problem": "job-shop", "algorithm": "toy", "summary": "a toy"} in json.loads(listed.stdout)


def test_a_run_stopped_early_hands_back_what_it_learnt(tmp_path, toy):
    done = train("job-shop", "toy", out=tmp_path, iterations=7, evaluate_every=20, progress=False)
    assert load_policy(done.policy).card["iterations"] == 7
    assert done.evaluation == {"cost": pytest.approx(abs(float(toy[0].weight.detach()) - 3))}
    assert [r["iteration"] for r in rows(tmp_path) if r["cost"]] == ["0"]  # the log is that of a run never stopped


def test_a_cost_that_is_no_number_ends_nothing(tmp_path, toy):
    def spoil():
        toy[0].evaluate = lambda: {"cost": float("nan") if toy[0].iteration == 4 else 9.0 - toy[0].iteration}

    def watch(*args):
        spoil()

    done = train("job-shop", "toy", {"iterations": 8}, out=tmp_path, evaluate_every=2, progress=watch)
    assert done.termination is ct.Termination.COMPLETED
    card = load_policy(done.policy).card
    assert card["iterations"] == 8
    assert [i for i, _ in card["curve"]["rows"]] == [0, 2, 6, 8]


def test_the_card_of_the_best_ends_with_the_evaluation_that_made_it_so(tmp_path, toy):
    done = train("job-shop", "toy", out=tmp_path, evaluate_every=5, progress=False)
    card = load_policy(done.policy).card
    assert card["curve"]["rows"][-1] == [card["iterations"], pytest.approx(card["evaluation"]["cost"])]


def test_one_run_has_one_process(tmp_path, toy):
    def watch(*args):
        with pytest.raises(ct.OptionError, match="by another process"):
            train("job-shop", "toy", {"iterations": 2}, out=tmp_path, resume=True, progress=False)

    train("job-shop", "toy", {"iterations": 2}, out=tmp_path, progress=watch)


def test_settings_that_only_the_trainer_can_refuse_leave_no_run(tmp_path, toy):
    with pytest.raises(ct.OptionError, match="minibatches"):
        train("inventory", "ppo", {"ppo": {"minibatches": 7}}, out=tmp_path / "a", progress=False)
    assert not (tmp_path / "a").exists()
    with pytest.raises(ct.OptionError, match="seed"):
        train("job-shop", "toy", out=tmp_path / "a", seed=-1, progress=False)


def test_a_run_killed_before_its_first_state_starts_over(tmp_path, toy):
    train("job-shop", "toy", {"iterations": 3}, out=tmp_path, evaluate_every=1, progress=False)
    (tmp_path / "state.safetensors").unlink()
    train("job-shop", "toy", {"iterations": 3}, out=tmp_path, evaluate_every=1, resume=True, progress=False)
    assert [r["iteration"] for r in rows(tmp_path)] == ["0", "1", "2", "3"]


def test_ctrl_c_in_compiled_code_is_no_error(tmp_path, toy):
    def watch(*args):
        raise wrapped()

    with pytest.raises(KeyboardInterrupt):
        train("job-shop", "toy", out=tmp_path, progress=watch)
