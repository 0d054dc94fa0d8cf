"""Labels on disk: the same whoever makes them when, kept, added to, and refused where they are not what is wanted."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from counterpoint.models.training.imitation import Task
from counterpoint.models.training.labels import make, read
from counterpoint.opt.errors import CheckpointError, OptionError

CALLS: list[tuple[int, int, int, int]] = []


def labelled(count: int, size: int, effort: int, seed: int) -> dict[str, torch.Tensor]:
    CALLS.append((count, size, effort, seed))
    generator = torch.Generator().manual_seed(seed % 2**63)
    points = torch.rand(count, size, 2, generator=generator)
    return {"points": points, "order": points[:, :, 0].argsort(1) * effort}


TASK = Task("toy", "toy-net", 4, 1, labelled, *[None] * 4)  # type: ignore[arg-type]
FACTS = {"size": 3, "effort": 2, "seed": 5}


def made(folder: Path, count: int, **changes: object) -> int:
    CALLS.clear()
    return make(TASK, **{**FACTS, "count": count, "folder": folder, "progress": False, **changes})


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_shards_hold_what_was_asked_for(tmp_path: Path) -> None:
    assert made(tmp_path / "new" / "labels", 2300) == 2300
    folder = tmp_path / "new" / "labels"
    names = ["labels.json", "shard-00000.safetensors", "shard-00001.safetensors", "shard-00002.safetensors"]
    assert [*contents(folder)] == names
    assert [call[:3] for call in CALLS] == [(1000, 3, 2), (1000, 3, 2), (300, 3, 2)]
    wanted = [labelled(*call) for call in CALLS[:3]]
    found = read(folder, TASK, 3)
    assert [*found] == ["order", "points"]
    for name, tensor in found.items():
        assert torch.equal(tensor, torch.cat([shard[name] for shard in wanted]))
    assert found["points"].dtype == torch.float32
    assert found["order"].dtype == torch.int64
    assert len(found["points"].flatten(1).unique(dim=0)) == 2300  # no two shards of one seed
    described = json.loads((folder / "labels.json").read_text())
    assert {key: described[key] for key in ("problem", "network", *FACTS)} == {
        "problem": "toy",
        "network": "toy-net",
        **FACTS,
    }
    assert described["machine"]["counterpoint"]


def test_it_does_not_matter_who_makes_a_shard_when(tmp_path: Path) -> None:
    made(tmp_path / "one", 3000)
    made(tmp_path / "two", 3000)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    (tmp_path / "two" / "shard-00001.safetensors").unlink()
    assert made(tmp_path / "two", 3000) == 3000
    assert len(CALLS) == 1
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    made(tmp_path / "three", 3000, seed=6)
    ours, theirs = (read(tmp_path / name, TASK, 3)["points"] for name in ("one", "three"))
    assert not (ours[:, None, 0] == theirs[:50, 0]).all(2).any()


def test_processes_make_the_same_as_one(tmp_path: Path) -> None:
    from counterpoint.models.training.knapsack_imitation import TASK as KNAPSACK

    seen: list[int] = []
    settings = {"size": 5, "effort": 1, "seed": 3, "count": 2300}
    for name, workers in (("one", 1), ("two", 2)):
        held = make(
            KNAPSACK, **settings, folder=tmp_path / name, workers=workers,
            progress=lambda there, wanted, _: seen.append(there),
        )  # fmt: skip
        assert held == 2300
    assert seen == [1, 2, 3, 1, 2, 3]
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    (tmp_path / "two" / "shard-00001.safetensors").unlink()
    make(KNAPSACK, **settings, folder=tmp_path / "two", workers=2, progress=False)  # one shard: no process for that
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert read(tmp_path / "two", KNAPSACK, 5)["packed"].shape == (2300, 5)


def test_a_trainer_learns_from_a_folder(tmp_path: Path) -> None:
    from counterpoint.models.networks.bq import Options
    from counterpoint.models.training.knapsack_imitation import TASK as KNAPSACK
    from counterpoint.models.training.knapsack_imitation import Config, build

    make(KNAPSACK, size=8, effort=1, seed=3, count=1030, folder=tmp_path, progress=False)
    network = Options(layers=1, width=8, heads=1, inner=8)
    config = Config(size=8, labels=1020, updates=2, batch=8, folder=str(tmp_path), network=network)
    trainer = build(config, 0)
    assert trainer.step()["labels"] == 1020
    held = read(tmp_path, KNAPSACK, 8)
    assert all(torch.equal(rows, held[name][:1020]) for name, rows in trainer.labels.items())
    with pytest.raises(OptionError, match="of size 8, not 9"):
        build(dataclasses.replace(config, size=9), 0)
    with pytest.raises(OptionError, match="holds no labels"):
        build(dataclasses.replace(config, folder=str(tmp_path / "none")), 0)


def test_a_run_goes_on_with_the_labels_it_began_with(tmp_path: Path) -> None:
    from counterpoint.models.networks.bq import Options
    from counterpoint.models.training.knapsack_imitation import TASK as KNAPSACK
    from counterpoint.models.training.knapsack_imitation import Config, build

    settings = {"size": 6, "effort": 1, "seed": 3, "folder": tmp_path, "progress": False}
    make(KNAPSACK, count=1000, **settings)
    network = Options(layers=1, width=8, heads=1, inner=8)
    config = Config(size=6, updates=2, batch=8, folder=str(tmp_path), network=network)
    straight, cut_short = build(config, 0), build(config, 0)
    cut_short.step()
    state = cut_short.state_dict()
    for _ in range(2):
        straight.step()
    make(KNAPSACK, count=1300, **settings)
    resumed = build(config, 0)
    resumed.load_state_dict(state)
    assert resumed.step()["labels"] == 1000
    ours, theirs = (trainer.network.state_dict().values() for trainer in (straight, resumed))
    assert all(map(torch.equal, ours, theirs))
    (tmp_path / "shard-00000.safetensors").unlink()
    again = build(config, 0)
    again.load_state_dict(state)
    with pytest.raises(OptionError, match="no longer those"):
        again.step()


def test_what_is_there_is_kept_and_added_to(tmp_path: Path) -> None:
    made(tmp_path, 1200)
    before = contents(tmp_path)
    assert made(tmp_path, 1200) == made(tmp_path, 500) == 1200
    assert not CALLS
    assert contents(tmp_path) == before
    assert made(tmp_path, 2100) == 2100
    assert [call[0] for call in CALLS] == [1000, 100]  # the short shard is made again, whole
    assert contents(tmp_path)["shard-00000.safetensors"] == before["shard-00000.safetensors"]
    made(tmp_path / "straight", 2100)
    after = contents(tmp_path / "straight")
    assert all(path.read_bytes() == after[path.name] for path in tmp_path.glob("*.*"))


@pytest.mark.parametrize("change", [{"size": 4}, {"effort": 3}, {"seed": 6}])
def test_other_settings_are_refused_by_name(tmp_path: Path, change: dict[str, int]) -> None:
    made(tmp_path, 10)
    before = contents(tmp_path)
    ((key, value),) = change.items()
    with pytest.raises(OptionError, match=f"of {key} {FACTS[key]}, not {value}"):
        made(tmp_path, 10, **change)
    other = dataclasses.replace(TASK, problem="other")
    with pytest.raises(OptionError, match="of problem 'toy', not 'other'"):
        make(other, **FACTS, count=10, folder=tmp_path, progress=False)
    with pytest.raises(OptionError, match="of problem 'toy', not 'other'"):
        read(tmp_path, other, 3)
    with pytest.raises(OptionError, match="of network 'toy-net', not 'other-net'"):
        read(tmp_path, dataclasses.replace(TASK, network="other-net"), 3)
    with pytest.raises(OptionError, match="of size 3, not 7"):
        read(tmp_path, TASK, 7)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    "change", [{"size": 0}, {"effort": 0}, {"count": 0}, {"count": 10**12}, {"workers": 0}, {"seed": -1}]
)
def test_numbers_out_of_range(tmp_path: Path, change: dict[str, int]) -> None:
    with pytest.raises(OptionError, match=next(iter(change))):
        made(tmp_path / "new", **{"count": 10, **change})
    assert not (tmp_path / "new").exists()


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="holds no labels; make some by `counterpoint label toy`"):
        read(tmp_path, TASK, 3)
    made(tmp_path, 10)
    (tmp_path / "shard-00000.safetensors").unlink()
    with pytest.raises(OptionError, match="no whole shard yet"):
        read(tmp_path, TASK, 3)


def flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[-3] ^= 1
    path.write_bytes(raw)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def from_elsewhere(path: Path) -> None:
    made(path.parent / "elsewhere", 1500, seed=9)
    path.write_bytes((path.parent / "elsewhere" / path.name).read_bytes())


def another(path: Path) -> None:
    path.write_bytes(path.with_name("shard-00000.safetensors").read_bytes())


@pytest.mark.parametrize(
    ("damage", "said"),
    [(flip, "SHA-256"), (cut, "not a safetensors file"), (empty, "too short"), (from_elsewhere, "of seed 9, not 5"),
     (another, "of shard 0, not 1")],
)  # fmt: skip
def test_damaged_shards_are_named(tmp_path: Path, damage, said: str) -> None:
    made(tmp_path, 1500)
    whole = contents(tmp_path)
    path = tmp_path / "shard-00001.safetensors"
    damage(path)
    for again in (lambda: read(tmp_path, TASK, 3), lambda: made(tmp_path, 1500)):
        with pytest.raises(CheckpointError, match=rf"shard-00001.*{said}.*delete it"):
            again()
    path.unlink()
    assert made(tmp_path, 1500) == 1500
    assert path.read_bytes() == whole[path.name]


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "not JSON"), ("[]", "expected an object"), ('{"type": "counterpoint-run"}', "expected an object"),
     ('{"type": "counterpoint-labels", "version": 1, "shard": 1000, "problem": "toy", "size": true}', "whole numbers"),
     ('{"type": "counterpoint-labels", "version": 2, "shard": 1000}', "version 1")],
)  # fmt: skip
def test_damaged_descriptions_are_named(tmp_path: Path, text: str, said: str) -> None:
    made(tmp_path, 10)
    (tmp_path / "labels.json").write_text(text)
    for again in (lambda: read(tmp_path, TASK, 3), lambda: made(tmp_path, 10)):
        with pytest.raises(CheckpointError, match=rf"labels\.json.*{said}"):
            again()


def test_shards_of_nobody_knows_what(tmp_path: Path) -> None:
    made(tmp_path, 10)
    (tmp_path / "labels.json").unlink()
    with pytest.raises(CheckpointError, match=r"no labels\.json"):
        made(tmp_path, 10)
    made(tmp_path / "new", 10)
    (tmp_path / "new" / "shard-x.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match="no name of a shard"):
        read(tmp_path / "new", TASK, 3)


@pytest.mark.parametrize(
    "wrong", [torch.zeros(5, 2), torch.zeros(10, dtype=torch.float64), torch.full((10,), torch.nan), torch.tensor(1)]
)
def test_labels_that_could_not_be_read_are_not_written(tmp_path: Path, wrong: torch.Tensor) -> None:
    task = dataclasses.replace(TASK, labelled=lambda *_: {"points": torch.zeros(10, 2), "wrong": wrong})
    with pytest.raises(TypeError, match="labels of toy"):
        make(task, **FACTS, count=10, folder=tmp_path, progress=False)
    assert [*contents(tmp_path)] == ["labels.json"]


def test_an_interrupt_leaves_whole_shards_and_the_rest_follows(tmp_path: Path) -> None:
    def interrupted(count: int, *rest: int) -> dict[str, torch.Tensor]:
        if len(CALLS) == 2:
            try:
                raise KeyboardInterrupt
            except KeyboardInterrupt as error:  # as Numba hands it on
                raise SystemError("returned a result with an exception set") from error
        return labelled(count, *rest)

    seen: list[tuple[int, int]] = []
    CALLS.clear()
    with pytest.raises(KeyboardInterrupt):
        make(
            dataclasses.replace(TASK, labelled=interrupted), **FACTS, count=4000, folder=tmp_path,
            progress=lambda there, wanted, _: seen.append((there, wanted)),
        )  # fmt: skip
    assert seen == [(1, 4), (2, 4)]
    assert [*contents(tmp_path)] == ["labels.json", "shard-00000.safetensors", "shard-00001.safetensors"]
    assert len(read(tmp_path, TASK, 3)["points"]) == 2000
    assert made(tmp_path, 4000) == 4000
    assert len(CALLS) == 2
    made(tmp_path / "straight", 4000)
    after = contents(tmp_path / "straight")
    assert all(path.read_bytes() == after[path.name] for path in tmp_path.glob("*.*"))
