"""Trigeiro's files are read strictly, in both dialects; public ones are recognised; generators follow their rules."""

import dataclasses
import os
import random
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.datasets import fetching
from counterpoint.datasets.figures import figure_rows
from counterpoint.datasets.generating import generate
from counterpoint.datasets.reading import read, write
from counterpoint.datasets.registry import benchmark, benchmarks, best_known, reference
from counterpoint.opt.errors import InstanceError, OptionError
from counterpoint.opt.problems.lot_sizing import LotSizing

FOLDER = Path(os.environ.get("COUNTERPOINT_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
TRIGEIRO = FOLDER / "lot_sizing" / "trigeiro"
needs_files = pytest.mark.skipif(not TRIGEIRO.is_dir(), reason=f"needs {TRIGEIRO} (set COUNTERPOINT_DATA)")

TABS = (
    "2\t3\t\t\n1\t\t\n50\t\t\n1\t5\t40\t1000\n1.25\t3\t50.\t600.\n10\t7\t\n0\t91\t\n108\t107\t\nBi\thi\tsu\n\t\ttime\n"
)
EXPECTED = LotSizing(
    "tabs", demand=[[10, 0, 108], [7, 91, 107]], setup_cost=[1000, 600], holding_cost=[5, 3], unit_time=[1, 1.25],
    setup_time=[40, 50], capacity=50,
)  # fmt: skip


def put(folder: Path, text: str, name: str = "tabs.DAT") -> Path:
    file = folder / name
    file.write_text(text)
    return file


class TestReader:
    def test_a_file_by_hand(self, tmp_path: Path) -> None:
        assert read(put(tmp_path, TABS)) == EXPECTED
        assert read(put(tmp_path, TABS, "tabs.txt")) == EXPECTED  # told by its content
        assert read(put(tmp_path, TABS.partition("Bi")[0])) == EXPECTED
        assert read(put(tmp_path, TABS), problem="lot-sizing") == EXPECTED
        assert read(put(tmp_path, TABS), format="trigeiro") == EXPECTED

    def test_more_than_fifteen_items_in_blocks_or_on_one_line(self, tmp_path: Path) -> None:
        demand = np.arange(17 * 2).reshape(17, 2)
        items = "".join(f"1 {i + 1} 5 100\n" for i in range(17))
        rows = lambda part: "".join(" ".join(map(str, period)) + "\n" for period in part.T)  # noqa: E731
        head = f"17 2\n1\n900\n{items}"
        blocks = read(put(tmp_path, head + rows(demand[:15]) + rows(demand[15:])))
        wide = read(put(tmp_path, head + rows(demand)))
        assert blocks.demand.tolist() == wide.demand.tolist() == demand.tolist()
        with pytest.raises(InstanceError, match=r":23: 15 numbers; expected 2: demand of period 0"):
            read(put(tmp_path, head + rows(demand[:15]) + rows(demand[:15])))

    @pytest.mark.parametrize(
        ("old", "new", "what"),
        [
            ("1000\n", "-1000\n", r"tabs.DAT:4: -1000 is negative; expected item 0: unit time"),
            ("\t91\t", "\t-91\t", r":7: -91 is negative; expected demand of period 1"),
            ("\t91\t", "\tnan\t", r":7: 'nan' is not a decimal number"),
            ("\t91\t", "\t9e1\t", r":7: '9e1' is not a decimal number"),
            ("\t91\t", "\t1_0\t", r":7: '1_0' is not"),
            ("\t91\t", "\t\u0663\t", r":7: .* is not a decimal"),
            ("\t91\t", "\t" + "9" * 13 + "\t", r":7: 9999999999999 is too large"),
            ("\t91\t", "\t\t", r":7: 1 numbers; expected 2: demand of period 1"),
            ("\t91\t", "\t91\t1\t", r":7: 3 numbers; expected 2"),
            ("0\t91\t\n", "", r":8: 'Bi' is not a decimal number; expected demand of period 2"),
            ("108\t107", "108\t107\n1\t2", r":9: expected no more numbers"),
            ("time", "time 3", r":10: expected no more numbers"),
            ("2\t3\t", "3\t3\t", r":6: 2 numbers; expected 4: item 2"),
            ("2\t3\t", "2\t4\t", r":9: 'Bi' is not a decimal number; expected demand of period 3"),
            ("2\t3\t", "0\t3\t", r":1: 0 items and 3 periods"),
            ("2\t3\t", "9999999\t9999999\t", r":1: 9999999 items and"),
            ("\n1\t\t\n", "\n2\t\t\n", r":2: 2 machines; these files describe one"),
            ("50\t\t\n", "-50\t\t\n", r":3: -50 is negative; expected the capacity"),
            ("1\t5\t40\t", "1\t5\t", r":4: 3 numbers; expected 4: item 0"),
        ],
    )
    def test_what_is_wrong_is_named_with_its_line(self, tmp_path: Path, old: str, new: str, what: str) -> None:
        assert TABS.count(old) == 1
        with pytest.raises(InstanceError, match=what):
            read(put(tmp_path, TABS.replace(old, new)))

    def test_files_without_setup_times_are_refused_with_the_reason(self, tmp_path: Path) -> None:
        text = TABS.replace("\t40\t", "\t0\t").replace("\t50.\t", "\t0.\t")
        with pytest.raises(
            InstanceError, match=r":4: all setup times are 0: derived copies .* write the instance as JSON"
        ):
            read(put(tmp_path, text))
        zero = dataclasses.replace(EXPECTED, setup_time=0)
        with pytest.raises(InstanceError, match="cannot hold this instance: all setup times are 0"):
            write(zero, tmp_path / "zero.dat")
        write(zero, tmp_path / "zero.json")
        assert read(tmp_path / "zero.json") == zero
        one = TABS.replace("\t40\t", "\t0\t")  # one item without is as it may be
        assert read(put(tmp_path, one)).setup_time.tolist() == [0, 50]

    def test_a_cut_file_is_noticed(self, tmp_path: Path) -> None:
        text = TABS.partition("Bi")[0].rstrip()
        for length in range(len(text)):
            with pytest.raises(InstanceError):
                read(put(tmp_path, text[:length]))
        with pytest.raises(InstanceError, match=r":8: the last line has no newline"):
            read(put(tmp_path, text))

    @settings(max_examples=300, deadline=None)
    @given(st.randoms(use_true_random=False), st.integers(1, 3), st.booleans())
    def test_mutated_files_are_refused_or_read_but_never_crash(self, tmp_path_factory, rng: random.Random, n, is_large):
        instance = generate("lot-sizing", items=17 if is_large else 3, periods=4, seed=rng.randrange(5))
        file = tmp_path_factory.mktemp("fuzz") / "fuzzed.dat"
        write(instance, file)
        raw = bytearray(file.read_bytes())
        for _ in range(n):
            at = rng.randrange(len(raw))
            kind = rng.randrange(4)
            if kind == 0:
                raw[at] = rng.randrange(256)
            elif kind == 1:
                del raw[at : at + rng.randrange(1, 9)]
            elif kind == 2:
                raw[at:at] = rng.choice([b"-", b" 7 ", b"\n", b"nan", b"1e9", b".", b"\xff", b"9" * 30, b"#"])
            else:
                del raw[at:]
            if not raw:
                break
        file.write_bytes(raw)
        try:
            got = read(file)
        except InstanceError as error:
            assert error.line is not None  # noqa: PT017
            assert 1 <= error.line <= raw.count(b"\n") + 1  # noqa: PT017
            assert str(error).isprintable()  # noqa: PT017
        else:
            assert got.num_items >= 1

    @settings(max_examples=300, deadline=None)
    @given(st.text(alphabet="0123456789. \n\t-Bi#", max_size=80))
    def test_any_text(self, tmp_path_factory, text: str) -> None:
        file = put(tmp_path_factory.mktemp("any"), "2 2\n1\n9\n" + text)
        try:
            got = read(file, format="trigeiro")
        except InstanceError as error:
            assert error.line is not None  # noqa: PT017
        else:
            assert got.demand.shape == (2, 2)


class TestJson:
    @settings(max_examples=300, deadline=None)
    @given(st.randoms(use_true_random=False), st.booleans())
    def test_mutated_files_are_refused_with_a_line(self, tmp_path_factory, rng: random.Random, is_hashed: bool) -> None:
        instance = generate("lot-sizing", items=2, periods=3, seed=rng.randrange(5), backlog_factor=2)
        file = tmp_path_factory.mktemp("json") / "fuzzed.json"
        write(instance, file)
        text = file.read_text()
        if not is_hashed:
            text = re.sub(r',\n  "content_hash": "\w+"', "", text)
        spot = rng.choice(list(re.finditer(r"[^\s\[\],{}:]+|[\[\],{}:]", text)))
        new = rng.choice(["", "-1", "null", "NaN", "true", '"7"', "[", "]", "1e400", "7", "[[7]]", spot.group() + ","])
        file.write_text(text[: spot.start()] + new + text[spot.end() :])
        try:
            got = read(file)
        except InstanceError as error:
            assert error.file == str(file)  # noqa: PT017
            assert 1 <= (error.line or 0) <= text.count("\n") + 2  # noqa: PT017
        else:
            assert not is_hashed or got.content_hash == instance.content_hash

    def test_an_error_has_the_line_of_its_number(self, tmp_path: Path) -> None:
        file = tmp_path / "x.json"
        write(EXPECTED, file)
        text = file.read_text().replace("91", "-91", 1)
        file.write_text(text)
        line = next(i for i, row in enumerate(text.splitlines(), 1) if "-91" in row)
        with pytest.raises(InstanceError, match=rf"x.json:{line}: demand\[1\]\[1\]: expected a number from 0"):
            read(file)


class TestWriter:
    @settings(max_examples=40, deadline=None)
    @given(st.integers(1, 33), st.integers(1, 9), st.integers(0, 10**6))
    def test_round_trip(self, tmp_path_factory, items: int, periods: int, seed: int) -> None:
        instance = generate("lot-sizing", items=items, periods=periods, seed=seed)
        rng = np.random.default_rng(seed)
        instance = dataclasses.replace(instance, unit_time=rng.random(items) * 10.0 ** rng.integers(-9, 9), name="file")
        file = tmp_path_factory.mktemp("write") / "file.dat"
        write(instance, file)
        assert read(file) == instance
        assert max(len(line.split()) for line in file.read_text().splitlines()) <= 15

    @pytest.mark.parametrize(
        ("change", "what"),
        [
            ({"capacity": None}, "needs a capacity"),
            ({"capacity": [50, 50, 51]}, "the same capacity in every period"),
            ({"setup_cost": np.arange(6).reshape(2, 3)}, "the same setup costs"),
            ({"holding_cost": np.arange(6).reshape(2, 3)}, "the same holding costs"),
            ({"unit_cost": 1}, "no place for unit costs"),
            ({"initial_stock": 1}, "no place for initial stock"),
            ({"backlog_cost": 1}, "cannot hold backlogging"),
        ],
    )
    def test_what_the_format_cannot_hold_is_refused(self, tmp_path: Path, change: dict, what: str) -> None:
        with pytest.raises(InstanceError, match=what):
            write(dataclasses.replace(EXPECTED, **change), tmp_path / "x.dat")
        assert not list(tmp_path.iterdir())


class TestPublic:
    @needs_files
    @pytest.mark.parametrize(
        ("stem", "items", "total"), [("F1", 6, 8202), ("F10", 6, 8465), ("G53", 12, 17197), ("G57", 24, 33546)]
    )
    def test_sums_of_demand(self, stem: str, items: int, total: int) -> None:
        instance = read(TRIGEIRO / f"{stem}.DAT")
        assert (instance.num_items, instance.num_periods, instance.demand.sum()) == (items, 15, total)

    @needs_files
    def test_f1_as_it_stands_in_the_file(self) -> None:
        f1 = read(TRIGEIRO / "F1.DAT")
        assert f1.setup_time.tolist() == [40, 50, 20, 40, 30, 30]
        assert f1.setup_cost[:, 0].tolist() == [1000, 600, 400, 1000, 400, 400]
        assert f1.holding_cost[:, 7].tolist() == [5, 3, 2, 3, 2, 4]
        assert f1.capacity.tolist() == [728] * 15
        assert f1.demand[:, 0].tolist() == [108, 107, 117, 92, 0, 99]

    @needs_files
    def test_every_file_is_the_one_of_the_table_and_recognised(self, tmp_path, monkeypatch) -> None:
        monkeypatch.setenv("COUNTERPOINT_DATA", str(FOLDER))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        names = benchmarks("trigeiro-*", problem="lot-sizing")
        assert len(names) == 24
        table = {row[0]: row for row in figure_rows("lot_sizing_bounds.csv")}
        for name in names:
            instance = benchmark(name)
            assert table[name][1:3] == (str(instance.num_items), str(instance.num_periods))
            assert table[name][-1] == instance.content_hash
            known = best_known(dataclasses.replace(instance, name="mine"))
            assert known is not None
            assert known.name == name
        assert best_known(benchmark("Trigeiro_G53")).upper_bound == 74634
        assert best_known(benchmark("trigeiro-g57")).lower_bound == 136509
        assert best_known(benchmark("trigeiro-f1")).upper_bound == 40854
        assert best_known(benchmark("trigeiro-f10")).upper_bound == 31208

    def test_bounds_by_name(self) -> None:
        assert reference("trigeiro-g69").upper_bound == 130596
        with pytest.raises(InstanceError, match="only the bounds are known here"):
            benchmark("trigeiro-g69")
        for name, _, _, low, high, source, _ in figure_rows("lot_sizing_bounds.csv"):
            assert source
            assert not low or float(low) <= float(high), name

    def test_an_absent_file_says_how_to_get_it(self, tmp_path, monkeypatch) -> None:
        monkeypatch.setenv("COUNTERPOINT_DATA", str(tmp_path))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        with pytest.raises(InstanceError, match="not shipped; run: counterpoint fetch trigeiro"):
            benchmark("trigeiro-f1")
        file = tmp_path / "lot_sizing" / "trigeiro" / "F1.DAT"
        file.parent.mkdir(parents=True)
        file.write_text(TABS)
        with pytest.raises(InstanceError, match=r"not the public trigeiro-f1: .*counterpoint fetch trigeiro"):
            benchmark("trigeiro-f1")

    def test_sets_do_not_mix(self, monkeypatch) -> None:
        seen = []
        monkeypatch.setattr(fetching, "_present", lambda url, sha256: seen.append(url) or Path("there"))
        assert len(fetching.fetch("trigeiro")) == 24
        assert all(re.search(r"gsamaro/trigeiro_fdata/a54b0fb/data/[FG]\d+\.DAT$", url) for url in seen)
        assert len(fetching.fetch("fjsp")) == len(figure_rows("job_shop_fetched.csv"))
        assert len(fetching.fetch("trigeiro-f1")) == 1
        for name, url, sha256 in figure_rows("lot_sizing_fetched.csv"):
            assert name == f"trigeiro-{Path(url).stem.lower()}"
            assert re.fullmatch("[0-9a-f]{64}", sha256)


class TestGenerators:
    @settings(max_examples=40, deadline=None)
    @given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 10**6))
    def test_same_arguments_same_instance_other_seed_other_instance(self, items: int, periods: int, seed: int) -> None:
        build = lambda s: generate("lot-sizing", items=items, periods=periods, seed=s)  # noqa: E731
        assert build(seed) == build(seed)
        assert build(seed).demand.shape == (items, periods)
        if items * periods > 8:
            assert build(seed).content_hash != build(seed + 1).content_hash

    def test_trigeiro_follows_its_rule(self) -> None:
        big = generate(
            "lot-sizing", items=200, periods=50, seed=3, demand_mean=80, time_between_orders=3, utilisation=0.9,
            setup_time_share=0.2,
        )  # fmt: skip
        late = big.demand[:, 4:]
        assert (late.min(), late.max()) == (60, 100)
        zero = (big.demand[:, :4] == 0).mean()
        assert abs(zero - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 800)
        tbo = np.sqrt(2 * big.setup_cost[:, 0] / (big.holding_cost[:, 0] * 80))
        assert np.all((tbo > 3 * np.sqrt(0.74)) & (tbo < 3 * np.sqrt(1.26)))
        making, setups = 200 * 80, big.setup_time.sum() / 3
        assert (making + setups) / big.capacity[0] == pytest.approx(0.9, rel=0.02)
        assert setups / (making + setups) == pytest.approx(0.2, rel=0.1)
        assert set(big.holding_cost[:, 0]) == {1, 2, 3, 4, 5}

    def test_normal_demand(self) -> None:
        big = generate(
            "lot-sizing", items=100, periods=100, demand_distribution="normal", demand_spread=0.1, early_zero_share=0
        )
        assert big.demand.mean() == pytest.approx(100, abs=0.5)
        assert big.demand.std() == pytest.approx(10, rel=0.05)

    def test_single_items(self) -> None:
        item = generate("lot-sizing", generator="single-item", periods=2_000, seed=1, backlog_factor=2, initial_stock=7)
        assert item.features == {"backlogging"}
        assert (item.demand == 0).mean() == pytest.approx(0.2, abs=0.04)
        assert (item.setup_cost.min(), item.setup_cost.max()) == pytest.approx((100, 1000), abs=5)
        assert set(item.holding_cost[0]) == {1, 2, 3}
        assert set(item.unit_cost[0]) == {0, 1, 2, 3, 4, 5}
        assert np.array_equal(item.backlog_cost, 2 * item.holding_cost)
        assert item.initial_stock.tolist() == [7]

    @pytest.mark.parametrize(
        "asked",
        [
            {"items": 0, "periods": 3}, {"items": 2, "periods": 3, "utilisation": 0}, {"items": 2},
            {"items": 10**6, "periods": 10**6}, {"items": 2, "periods": 3, "seed": -1},
            {"items": 2, "periods": 3, "demand_spread": 2}, {"items": 2, "periods": 3, "backlog_factor": -1},
            {"items": 2, "periods": 3, "demand_distribution": "gamma"},
            {"generator": "single-item", "periods": 3, "setup_min": 9, "setup_max": 3},
            {"generator": "single-item", "periods": 3, "zero_share": 1.5},
            {"generator": "single-item", "periods": 3, "initial_stock": -1},
        ],
    )  # fmt: skip
    def test_bad_parameters(self, asked: dict) -> None:
        with pytest.raises(OptionError):
            generate("lot-sizing", **asked)
