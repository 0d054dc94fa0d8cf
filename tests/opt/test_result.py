"""Results: what they compute, how they survive JSON, and which JSON is refused."""

import copy
import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.opt.codec import RESULT_FIELDS, decode_result, encode_result, load_json, read_result, write_result
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.result import (
    Check,
    Result,
    SolutionStatus,
    Termination,
    TracePoint,
    Violation,
    relative_gap,
)

SHOP = JobShop.from_jobs(
    "né <b>", [[(0, 3), [(1, 2), (0, 4)]], [(1, 4)]], due_dates=[5, 6], weights=[1, 2], unavailable=[(0, 9, 11)],
    objective="total-weighted-tardiness", blocking="swap",
)  # fmt: skip
PLAN = Schedule.from_starts(SHOP, [0, 4, 0], [0, 0, 0])


@pytest.fixture
def result(make):
    return make.result(
        SHOP,
        "alpha",
        1.0,
        solution=PLAN,
        bound=0.5,
        trace=(TracePoint(0.1, None, 0.25), TracePoint(0.5, 1.0, 0.5)),
        options={"rule": "spt", "depth": 3, "share": 0.5, "on": True, "none": None},
        metrics={"makespan": 6.0},
        iterations=12,
        message="a line",
    )


def plain(result):
    return json.loads(json.dumps(encode_result(result), allow_nan=False))


def same(a, b):
    return all(getattr(a, f.name) == getattr(b, f.name) for f in dataclasses.fields(Result))


class TestRoundTrip:
    def test_every_field_comes_back(self, result, tmp_path):
        write_result(result, tmp_path / "deep" / "r.json")
        back = read_result(tmp_path / "deep" / "r.json")
        assert same(back, result)
        assert back.solution == PLAN
        assert back.instance == SHOP
        assert back.instance.content_hash == result.instance_hash
        assert [p.name for p in (tmp_path / "deep").iterdir()] == ["r.json"]  # no temporary file is left

    def test_a_result_that_holds_nothing(self, make, tmp_path):
        empty = make.result(SHOP, "alpha", None, termination=Termination.KILLED, time_limit_s=None, trace=())
        write_result(empty, tmp_path / "r.json")
        assert same(read_result(tmp_path / "r.json"), empty)

    @settings(max_examples=60, deadline=None)
    @given(
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=20),
        st.integers(-(2**63), 2**63 - 1),
        st.sampled_from(Termination),
        st.sampled_from(SolutionStatus),
    )
    def test_any_figures_and_texts(self, make, number, text, seed, termination, status):
        fields = {"message": text, "instance_name": text, "termination": termination, "solution_status": status}
        once = make.result("a", "alpha", number, seed=seed, bound=number, **fields)
        assert same(decode_result(load_json(json.dumps(encode_result(once)).encode())), once)


class TestRefused:
    @pytest.mark.parametrize("key", RESULT_FIELDS)
    def test_a_missing_field(self, result, key):
        data = plain(result)
        del data[key]
        with pytest.raises(InstanceError, match=f"missing fields: {key}"):
            decode_result(data)

    def test_an_unknown_field(self, result):
        with pytest.raises(InstanceError, match="unknown fields: surprise"):
            decode_result({**plain(result), "surprise": 1})

    @pytest.mark.parametrize(
        ("key", "value", "message"),
        [
            ("type", "other", "expected type 'counterpoint-result'"),
            ("version", 2, "expected version 1"),
            ("version", True, "expected version 1"),
            ("version", 1.0, "expected version 1"),
            ("problem", "knitting", "no problem named"),
            ("termination", "bored", "expected one of optimal"),
            ("solution_status", "good", "expected one of none"),
            ("objective", "6", "finite number"),
            ("objective", True, "finite number"),
            ("seed", 1.5, "whole number"),
            ("seed", 2**63, "64 bits"),
            ("wall_s", None, "a number"),
            ("wall_s", -0.5, "seconds >= 0"),
            ("cpu_s", -1, "seconds >= 0"),
            ("bound", 10**400, "finite number"),
            ("metrics", {"makespan": "6"}, "metrics.makespan: expected a number"),
            ("metrics", {"makespan": 10**400}, "finite number"),
            ("trace", {}, "a list"),
            ("trace", [[1, 2]], "[seconds, objective, bound]"),
            ("trace", [[None, 2, 3]], "[seconds, objective, bound]"),
            ("options", [], "an object"),
            ("message", 3, "text"),
            ("solution", {"type": "job-shop-schedule", "version": 1}, "missing fields"),
            ("instance", {"type": "job-shop"}, "version"),
            ("instance", [], "an object"),
        ],
    )
    def test_a_wrong_value_names_its_place(self, result, key, value, message):
        data = {**plain(result), key: value}
        with pytest.raises(InstanceError) as caught:
            decode_result(data)
        assert message in str(caught.value)
        if key not in ("type", "version"):
            assert str(caught.value).startswith(key)

    def test_schedules_of_unequal_columns(self, result):
        data = plain(result)
        data["solution"]["start"].pop()
        with pytest.raises(InstanceError, match="vectors of one length"):
            decode_result(data)

    @pytest.mark.parametrize(
        ("raw", "message"),
        [
            (b"{", "not JSON"),
            (b"", "not JSON"),
            (b'{"a": NaN}', "NaN is not a number"),
            (b'{"a": Infinity}', "Infinity is not a number"),
            (b'{"a": 1, "a": 2}', "twice"),
            (b"\xff\xfe", "not UTF-8"),
            (b"[" * 100_000, "not JSON"),
            (b'{"type": 1' + b"0" * 5000 + b"}", "not JSON"),
            (b"[]", "expected an object"),
            (b"null", "expected an object"),
        ],
    )
    def test_files_that_are_no_result(self, tmp_path, raw, message):
        path = tmp_path / "r.json"
        path.write_bytes(raw)
        with pytest.raises(InstanceError, match=message) as caught:
            read_result(path)
        assert caught.value.file == str(path)

    def test_random_damage_is_an_instance_error_or_a_whole_result(self, result):
        """5,000 mutated files: nothing but InstanceError comes out."""
        text = json.dumps(encode_result(result)).encode()
        rng = np.random.default_rng(0)
        refused = 0
        for _ in range(5_000):
            data = bytearray(text)
            for _ in range(rng.integers(1, 4)):
                at = int(rng.integers(len(data)))
                kind = rng.integers(3)
                if kind == 0:
                    data[at] = rng.integers(256)
                elif kind == 1:
                    del data[at : at + int(rng.integers(1, 20))]
                else:
                    data[at:at] = bytes(rng.integers(32, 127, 3).astype(np.uint8))
            try:
                decode_result(load_json(bytes(data)))
            except InstanceError:
                refused += 1
        assert refused > 3_000

    @pytest.mark.parametrize("name", [".", "missing.json"])
    def test_what_cannot_be_read_is_an_instance_error(self, name, tmp_path):
        with pytest.raises(InstanceError, match="cannot read it") as caught:
            read_result(tmp_path / name)
        assert caught.value.file == str(tmp_path / name)

    def test_a_result_is_frozen(self, result):
        with pytest.raises(dataclasses.FrozenInstanceError):
            result.objective = 0.0
        assert copy.copy(result).objective == 1.0


class TestFigures:
    @pytest.mark.parametrize(
        ("objective", "bound", "gap"),
        [(100, 90, 0.1), (90, 100, 1 / 9), (0, 0, 0), (-10, -12, 0.2), (5, 5, 0), (0, 1, 1e10)],
    )
    def test_relative_gap(self, objective, bound, gap):
        assert relative_gap(objective, bound) == pytest.approx(gap)

    def test_gap_needs_both(self, result):
        assert result.gap == 0.5
        assert dataclasses.replace(result, bound=None).gap is None
        assert dataclasses.replace(result, objective=None).gap is None

    @pytest.mark.parametrize(("wall", "limit", "late"), [(12.0, 10, False), (12.01, 10, True), (99, None, False)])
    def test_late_is_ten_per_cent_and_one_second(self, result, wall, limit, late):
        assert dataclasses.replace(result, wall_s=wall, time_limit_s=limit).is_late is late

    def test_what_is_printed(self, result):
        text = repr(result)
        assert "alpha on 'né <b>': 1 (bound 0.5 gap 50.00 %), feasible, stopped by time after 10.00 s" in text

    def test_a_check_says_what_is_wrong(self):
        assert str(Check(6.0)) == "feasible, objective 6"
        many = Check(None, tuple(Violation("overlap", f"machine {i}", 2.0) for i in range(5)))
        assert str(many).startswith("infeasible (5 violations): overlap at machine 0: by 2;")
        assert str(many).endswith("and 2 more")
        assert not math.isnan(many.violations[0].tolerance)
