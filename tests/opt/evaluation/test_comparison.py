"""Comparisons by hand: the numbers of the table, how failures count, and what a careful reader is told."""

import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest

from counterpoint.opt.errors import OptionError, UnknownNameError
from counterpoint.opt.evaluation.compare import Comparison, compare, load_instances
from counterpoint.opt.evaluation.frame import COLUMNS, reference_gap, time_to_best
from counterpoint.opt.evaluation.machine import machine
from counterpoint.opt.evaluation.paired import outcome
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.result import Reference, SolutionStatus, Termination, TracePoint
from counterpoint.opt.studies.export import export_frame

NAMES = ("a", "b", "c", "d", "e", "f", "g", "h")


def grid(make, objectives, seeds=1, **changes):
    """Results of {method: objective per instance}; None is a run that found nothing."""
    return [
        make.result(name, method, value, seed=seed, **changes)
        for method, values in objectives.items()
        for name, value in zip(NAMES, values, strict=False)
        for seed in range(seeds)
    ]


def judged(make, objectives, **options):
    references = options.pop("references", dict.fromkeys(NAMES, 100.0))
    return Comparison.from_results(grid(make, objectives, **options), references=references)


class TestFrame:
    def test_one_row_by_hand(self, make):
        result = make.result(
            "a", "alpha", 110.0, bound=99.0, metrics={"makespan": 110.0},
            trace=(TracePoint(1.0, 200.0, None), TracePoint(4.0, 110.0, 90.0), TracePoint(6.0, 110.0, 99.0)),
        )  # fmt: skip
        row = Comparison.from_results([result], references={"a": 100.0}).frame.iloc[0]
        assert row["gap_to_reference"] == pytest.approx(0.1)
        assert row["gap_to_bound"] == pytest.approx(0.1)
        assert row["time_to_best_s"] == 4.0
        assert row["primal_integral"] == pytest.approx(1 + 3 * 0.5 + 6 * 10 / 110)
        assert (row["reference"], row["reference_kind"]) == (100, "given")
        assert (row["metric_makespan"], row["status"], row["termination"]) == (110, "feasible", "time")

    def test_columns_and_types(self, make):
        frame = judged(make, {"alpha": (101.0, None)}).frame
        assert tuple(frame.columns[: len(COLUMNS)]) == COLUMNS
        assert frame["objective"].dtype == np.float64
        assert frame["is_late"].dtype == bool
        assert json.loads(frame["options"].iloc[0]) == {}

    def test_the_frame_is_a_copy(self, make):
        comparison = judged(make, {"alpha": (101.0,)})
        mine = comparison.frame
        mine.loc[:, "objective"] = 0.0
        assert comparison.frame["objective"].iloc[0] == 101

    def test_a_refuted_claim_is_an_error_row_without_a_gap(self, make):
        lie = make.result("a", "alpha", 100.0, claimed_objective=90.0, termination=Termination.ERROR)
        row = Comparison.from_results([lie], references={"a": 100.0}).frame.iloc[0]
        assert row["status"] == "error"
        assert math.isnan(row["gap_to_reference"])
        assert row["primal_integral"] == 10.0

    def test_a_killed_run_keeps_what_it_held(self, make):
        killed = make.result("a", "alpha", 120.0, termination=Termination.KILLED)
        row = Comparison.from_results([killed], references={"a": 100.0}).frame.iloc[0]
        assert (row["status"], round(row["gap_to_reference"], 9)) == ("feasible", 0.2)

    @pytest.mark.parametrize(
        ("objective", "reference", "sense", "gap"),
        [(110, 100, "min", 0.1), (90, 100, "min", -0.1), (90, 100, "max", 0.1), (0, 0, "min", 0),
         (5, 0, "min", math.inf), (-90, -100, "min", 0.1), (None, 3, "min", math.nan), (3, None, "min", math.nan)],
    )  # fmt: skip
    def test_gaps(self, objective, reference, sense, gap):
        assert reference_gap(objective, reference, sense) == pytest.approx(gap, nan_ok=True)

    def test_time_to_best_without_a_trace_is_the_end(self, make):
        assert time_to_best(make.result("a", "alpha", 5.0, trace=())) == 10.0
        assert time_to_best(make.result("a", "alpha", None)) is None

    def test_equal_names_of_different_instances_stay_apart(self, make):
        one = make.result("a", "alpha", 100.0)
        other = dataclasses.replace(make.result("a", "beta", 50.0), instance_hash="another")
        frame = Comparison.from_results([one, other]).frame
        assert frame["reference"].tolist() == [100, 50]


class TestReferences:
    def kinds(self, *results, **options):
        frame = Comparison.from_results(results, **options).frame
        return list(zip(frame["reference"], frame["reference_kind"], strict=True))

    def test_best_of_compared(self, make):
        runs = [make.result("a", m, v) for m, v in (("alpha", 110.0), ("beta", 104.0))]
        assert self.kinds(*runs) == [(104, "best of compared")] * 2

    def test_a_bound_that_is_attained_is_a_proof(self, make):
        runs = [make.result("a", "alpha", 104.0), make.result("a", "beta", 110.0, bound=104.0)]
        assert self.kinds(*runs) == [(104, "proven bound")] * 2

    def test_a_bound_alone(self, make):
        assert self.kinds(make.result("a", "alpha", None, bound=90.0)) == [(90, "proven bound")]

    def test_runs_in_error_lend_nothing(self, make):
        lie = make.result("a", "alpha", 50.0, bound=110.0, termination=Termination.ERROR)
        assert self.kinds(lie, make.result("a", "beta", 110.0)) == [(110, "best of compared")] * 2

    def test_given_by_name_or_hash_comes_first(self, make):
        run = make.result("a", "alpha", 110.0)
        assert self.kinds(run, references={"a": 99.0}) == [(99, "given")]
        assert self.kinds(run, references={"hash-of-a": Reference("a", 90, 95, "x"), "a": 1.0}) == [(95, "given")]
        with pytest.raises(ValueError, match="finite"):
            self.kinds(run, references={"a": math.nan})

    def test_nothing_known(self, make):
        frame = Comparison.from_results([make.result("a", "alpha", None)]).frame
        assert frame["reference_kind"].tolist() == ["none"]
        assert frame["gap_to_reference"].isna().all()

    def test_the_register_of_public_instances(self, make, monkeypatch):
        from counterpoint.datasets import registry

        shop = JobShop.from_jobs("public", [[(0, 5)]])
        monkeypatch.setattr(registry, "best_known", lambda i: Reference("public", 4.0, 5.0, "paper"))
        assert self.kinds(make.result(shop, "alpha", 6.0)) == [(5, "best known")]
        monkeypatch.setattr(registry, "best_known", lambda i: Reference("public", 5.0, None, "paper"))
        assert self.kinds(make.result(shop, "alpha", 6.0)) == [(6, "best of compared")]
        assert self.kinds(make.result(shop, "alpha", 5.0)) == [(5, "proven bound")]


class TestSummary:
    def test_by_hand(self, make):
        table = judged(make, {"alpha": (110.0, 120.0, 130.0), "beta": (120.0, 120.0, 120.0)}).summary()
        alpha = table.loc["alpha"]
        assert (alpha["runs"], alpha["instances"], alpha["solved"], alpha["common"]) == (3, 3, 3, 3)
        assert alpha["mean_gap"] == pytest.approx(0.2)
        assert alpha["median_gap"] == pytest.approx(0.2)
        assert (alpha["wins"], alpha["ties"], alpha["losses"]) == (1, 1, 1)
        assert alpha["wall_s"] == pytest.approx(10.0)
        assert alpha["cpu_s"] == pytest.approx(9.0)
        assert table.loc["beta", "gap_low"] == pytest.approx(0.2)

    def test_failing_where_it_is_hard_does_not_help(self, make):
        """Beta is worse everywhere and fails on the hard instance: it must not get the better mean."""
        comparison = judged(make, {"alpha": (101.0, 102.0, 200.0), "beta": (103.0, 104.0, None)})
        table = comparison.summary()
        assert table.loc["beta", "common"] == table.loc["alpha", "common"] == 2
        assert table.loc["alpha", "mean_gap"] == pytest.approx(0.015)
        assert table.loc["beta", "mean_gap"] == pytest.approx(0.035)
        assert (table.loc["beta", "failed"], table.loc["beta", "solved"]) == (1, 2)
        assert table.index[0] == "alpha"
        assert any("2 of 3 instances" in text for text in comparison.warnings)
        assert any("a refuted claim): beta 1" in text for text in comparison.warnings)

    def test_one_failed_seed_takes_the_instance_out(self, make):
        runs = grid(make, {"alpha": (110.0, 120.0), "beta": (110.0, 120.0)}, seeds=2)
        runs[0] = make.result("a", "alpha", None, seed=0)
        table = Comparison.from_results(runs, references={"a": 100.0, "b": 100.0}).summary()
        assert table["common"].tolist() == [1, 1]
        assert table["mean_gap"].tolist() == pytest.approx([0.2, 0.2])
        assert table.index[0] == "beta"

    def test_a_method_that_solves_nothing_hides_nobody(self, make):
        table = judged(make, {"alpha": (110.0, 120.0), "broken": (None, None)}).summary()
        assert table.loc["alpha", "mean_gap"] == pytest.approx(0.15)
        assert math.isnan(table.loc["broken", "mean_gap"])
        assert table.loc["broken", "median_gap"] == math.inf
        assert table.index.tolist() == ["alpha", "broken"]

    def test_a_crash_is_not_fast(self, make):
        crash = make.result("a", "alpha", None, termination=Termination.ERROR, wall_s=0.01, cpu_s=0.01)
        table = Comparison.from_results([crash, make.result("a", "beta", 100.0)]).summary()
        assert table.loc["alpha", "wall_s"] == pytest.approx(10.0)
        assert table.loc["alpha", "cpu_s"] == pytest.approx(10.0)

    def test_medians_count_failures_as_infinite(self, make):
        assert judged(make, {"alpha": (110.0, None, 130.0)}).summary().loc["alpha", "median_gap"] == pytest.approx(0.3)
        assert judged(make, {"alpha": (110.0, None)}).summary().loc["alpha", "median_gap"] == math.inf

    def test_a_proof_of_infeasibility_is_no_failure(self, make):
        proof = make.result("a", "alpha", None, termination=Termination.INFEASIBLE)
        assert Comparison.from_results([proof]).summary().loc["alpha", "failed"] == 0

    def test_an_instance_without_a_relative_gap_is_in_no_mean(self, make):
        table = judged(make, {"alpha": (0.0, 110.0), "beta": (5.0, 120.0)}, references={"a": 0.0, "b": 100.0}).summary()
        assert table["common"].tolist() == [1, 1]
        assert table["mean_gap"].tolist() == pytest.approx([0.1, 0.2])
        assert table.loc["beta", "losses"] == 2  # but it counts in wins and losses

    def test_late_and_proven_are_counted(self, make):
        late = make.result("a", "alpha", 100.0, wall_s=12.5, bound=100.0, solution_status=SolutionStatus.OPTIMAL)
        row = Comparison.from_results([late]).summary().loc["alpha"]
        assert (row["late"], row["optimal"]) == (1, 1)

    def test_planted_wrong_results_change_the_table(self, make):
        """Each change of one run shows in the summary of its method, and mends nothing elsewhere."""
        good = grid(make, {"alpha": (110.0, 120.0, 130.0), "beta": (111.0, 121.0, 131.0)})
        references = dict.fromkeys(NAMES, 100.0)
        before = Comparison.from_results(good, references=references).summary()
        for planted, column in (
            ({"objective": 111.0}, "mean_gap"),
            ({"termination": Termination.ERROR}, "failed"),
            ({"wall_s": 30.0}, "late"),
            ({"solution_status": SolutionStatus.OPTIMAL}, "optimal"),
            ({"solution_status": SolutionStatus.INFEASIBLE}, "solved"),
            ({"objective": None}, "common"),
            ({"cpu_s": 5.0}, "cpu_s"),
        ):
            after = Comparison.from_results(
                [dataclasses.replace(good[0], **planted), *good[1:]], references=references
            ).summary()
            assert after.loc["alpha", column] != before.loc["alpha", column], planted

    def test_summary_of_many_random_tables_by_a_slow_twin(self, make):
        rng = np.random.default_rng(0)
        for _ in range(20):
            objectives = {
                m: [None if rng.random() < 0.15 else float(rng.integers(100, 106)) for _ in range(5)]
                for m in ("alpha", "beta", "gamma")
            }
            table = judged(make, objectives).summary()
            alive = [m for m, values in objectives.items() if any(v is not None for v in values)]
            shared = [i for i in range(5) if all(objectives[m][i] is not None for m in alive)]
            for m, values in objectives.items():
                row = table.loc[m]
                assert row["solved"] == sum(v is not None for v in values)
                if shared and m in alive:
                    assert row["mean_gap"] == pytest.approx(np.mean([values[i] / 100 - 1 for i in shared]))
                wins = losses = ties = 0
                for i, v in enumerate(values):
                    others = [objectives[o][i] for o in objectives if o != m and objectives[o][i] is not None]
                    if v is None:
                        losses += bool(others)
                    elif not others or v < min(others):
                        wins += 1
                    elif v == min(others):
                        ties += 1
                    else:
                        losses += 1
                assert (row["wins"], row["ties"], row["losses"]) == (wins, ties, losses)


class TestPaired:
    def test_by_hand(self, make):
        comparison = judged(make, {"alpha": (101.0, 105.0, 103.0, 104.0), "beta": (102.0, 105.0, 101.0, None)})
        pair = comparison.paired("alpha", "beta")
        assert (pair.wins, pair.ties, pair.losses) == (2, 1, 1)
        assert pair.difference.estimate == pytest.approx((-0.01 + 0 + 0.02) / 3)
        assert pair.difference.n == 3
        assert pair.frame["outcome"].tolist() == ["win", "tie", "loss", "win"]
        assert pair.sign_p == pytest.approx(1.0)  # 2 against 1
        assert not pair.is_clear

    def test_it_is_antisymmetric(self, make):
        rng = np.random.default_rng(1)
        values = {m: rng.integers(100, 130, 8).astype(float) for m in ("alpha", "beta")}
        comparison = judged(make, values, seeds=2)
        ab, ba = comparison.paired("alpha", "beta"), comparison.paired("beta", "alpha")
        assert (ab.wins, ab.ties, ab.losses) == (ba.losses, ba.ties, ba.wins)
        assert ab.difference.estimate == pytest.approx(-ba.difference.estimate)
        assert ab.signed_rank_p == pytest.approx(ba.signed_rank_p)

    def test_a_clear_lead_needs_instances_not_seeds(self, make):
        few = judged(make, {"alpha": (101.0, 102.0), "beta": (111.0, 113.0)}, seeds=10).paired("alpha", "beta")
        assert (few.wins, few.losses, few.sign_p) == (20, 0, 0.5)
        assert not few.is_clear
        many = judged(make, {"alpha": range(101, 109), "beta": range(111, 119)}).paired("alpha", "beta")
        assert many.is_clear
        assert str(many).startswith("alpha is better than beta by 10.00 points of gap")
        assert str(
            judged(make, {"beta": range(101, 109), "alpha": range(111, 119)}).paired("alpha", "beta")
        ).startswith("alpha is worse")

    def test_a_method_is_equal_to_itself(self, make):
        pair = judged(make, {"alpha": (101.0, 102.0)}).paired("alpha", "alpha")
        assert (pair.wins, pair.ties, pair.losses) == (0, 2, 0)
        assert "alpha and alpha are equal" in str(pair)

    def test_runs_without_counterpart_are_counted(self, make):
        runs = [*grid(make, {"alpha": (101.0,)}, seeds=5), *grid(make, {"beta": (102.0,)}, seeds=3)]
        pair = Comparison.from_results(runs).paired("alpha", "beta")
        assert (pair.wins, pair.unpaired) == (3, 2)

    def test_a_failed_repetition_is_not_hidden_by_a_good_one(self, make):
        twice = [make.result("a", "alpha", 90.0), make.result("a", "alpha", None)]
        pair = Comparison.from_results([*twice, make.result("a", "beta", 100.0)]).paired("alpha", "beta")
        assert (pair.wins, pair.losses, pair.difference.n) == (0, 1, 0)

    def test_nothing_in_common(self, make):
        pair = judged(make, {"alpha": (101.0, None), "beta": (None, 100.0)}).paired("alpha", "beta")
        assert (pair.wins, pair.losses, pair.difference.n) == (1, 1, 0)
        assert "no instance on which both hold a solution" in str(pair)

    def test_unknown_method(self, make):
        with pytest.raises(UnknownNameError, match="did you mean alpha"):
            judged(make, {"alpha": (101.0,)}).paired("alpa", "alpha")

    def test_outcomes_when_maximising(self):
        assert outcome(5.0, 4.0, "max") == "win"
        assert outcome(1.0, 1.0 + 1e-12) == "tie"
        assert outcome(math.nan, math.nan) == "both failed"


class TestAdvice:
    def said(self, make, objectives, *results, **options):
        return " | ".join(Comparison.from_results([*grid(make, objectives, **options), *results]).warnings)

    def test_few_instances(self, make):
        assert "only 2 instances" in self.said(make, {"alpha": (101.0, 102.0)})
        assert "only" not in self.said(make, {"alpha": range(101, 107)})

    def test_unequal_budgets(self, make):
        other = make.result("a", "beta", 100.0, time_limit_s=20.0)
        assert "unequal time limits, 10 to 20 s" in self.said(make, {"alpha": (101.0,)}, other)

    def test_unequal_threads(self, make):
        other = make.result("a", "beta", 100.0, threads=8)
        assert "1 for alpha; 8 for beta" in self.said(make, {"alpha": (101.0,)}, other)

    def test_one_seed_of_a_random_method(self, make):
        assert "one seed only for cp-sat" in self.said(make, {"cp-sat": (101.0,), "spt": (102.0,)})
        assert "one seed only" not in self.said(make, {"cp-sat": (101.0,)}, seeds=2)

    def test_busy_machine(self, make):
        assert "0.20 CPU seconds per wall second" in self.said(make, {"alpha": (101.0,)}, cpu_s=2.0)

        assert "CPU seconds per wall second" not in self.said(make, {"alpha": (101.0,)}, cpu_s=6.1)
        assert "CPU seconds per wall second" not in self.said(make, {"alpha": (101.0,)}, cpu_s=0.1, wall_s=0.9)

    def test_mixed_references(self, make):
        proved = make.result("b", "alpha", 100.0, bound=100.0)
        assert "different kinds of reference" not in self.said(make, {}, proved)
        said = self.said(make, {"alpha": (101.0,)}, proved)
        assert "different kinds of reference: best of compared (1), proven bound (1)" in said

    def test_late_runs(self, make):
        assert "over their time limit: alpha 1" in self.said(make, {"alpha": (101.0,)}, wall_s=12.5)
        assert "over their time limit" not in self.said(make, {"alpha": (101.0,)})

    def test_what_is_in_order_is_not_said(self, make):
        assert self.said(make, {"alpha": range(101, 109), "beta": range(101, 109)}) == ""

    def test_reference_zero(self, make):
        runs = [make.result("a", "alpha", 0.0), make.result("a", "beta", 5.0)]
        assert "no relative gap because the reference is 0" in " ".join(Comparison.from_results(runs).warnings)

    def test_no_runs(self):
        empty = Comparison.from_results([])
        assert empty.warnings == ("no run at all: nothing can be said",)
        assert empty.verdict() == ("No runs.",)
        assert "nothing" in repr(empty)
        assert empty.summary().empty


class TestVerdict:
    def test_a_clear_winner(self, make):
        said = judged(make, {"beta": range(111, 119), "alpha": range(101, 109)}).verdict()
        assert said[0].startswith("8 instances, 2 methods, 16 runs: 16 hold a verified solution")
        assert said[1] == "Best: alpha, mean gap 4.50 % over 8 instances; clearly ahead of every other method."

    def test_a_tie_is_called_one(self, make):
        said = judged(make, {"alpha": (101.0, 103.0, 102.0), "beta": (103.0, 101.0, 102.0)}).verdict()
        assert "not clearly ahead of" in said[1]
        assert said[2].startswith("No clear difference")

    def test_a_lead_on_three_instances_is_not_called_clear(self, make):
        said = judged(make, {"alpha": (101.0, 103.0, 102.0), "beta": (121.0, 124.0, 122.0)}).verdict()
        assert "alpha is ahead of beta by 20" in said[2]
        assert "on too few instances to call it clear" in said[2]

    def test_solving_more_leads(self, make):
        said = judged(make, {"alpha": (101.0, None), "beta": (150.0, 150.0)}).verdict()
        assert said[1].startswith("In front: beta")

    def test_nobody_solves(self, make):
        assert judged(make, {"alpha": (None,)}).verdict()[1] == "No method found a solution."


class TestTargets:
    def test_by_hand(self, make):
        points = (TracePoint(1.0, 130.0, None), TracePoint(2.0, 110.0, None), TracePoint(5.0, 104.0, None))
        runs = [
            make.result("a", "alpha", 104.0, trace=points),
            make.result("a", "beta", 100.0, trace=()),
            make.result("a", "gamma", None),
            make.result("a", "delta", 100.0, termination=Termination.ERROR),
        ]
        table = Comparison.from_results(runs)
        assert table.times_to_target(0.1)["seconds"].tolist() == [2, 10, math.inf, math.inf]
        assert table.times_to_target(0.05)["seconds"].tolist() == [5, 10, math.inf, math.inf]
        assert table.times_to_target(0.0)["seconds"].tolist() == [math.inf, 10, math.inf, math.inf]
        assert table.times_to_target(0.1)["target"].tolist() == pytest.approx([110] * 4)
        with pytest.raises(ValueError, match="at least 0"):
            table.times_to_target(-0.1)

    def test_nothing_known(self, make):
        row = Comparison.from_results([make.result("a", "alpha", None)]).times_to_target().iloc[0]
        assert math.isnan(row["target"])
        assert row["seconds"] == math.inf


class TestComparison:
    def test_option_sets_of_one_label_stay_apart(self, make):
        runs = [make.result("a", "alpha", 100.0 + k, options={"depth": k, "same": 1}) for k in (3, 4)]
        assert Comparison.from_results(runs).methods == ("alpha [depth=3]", "alpha [depth=4]")
        runs = [make.result("a", "alpha", 100.0, method_version=k) for k in (1, 2)]
        assert Comparison.from_results(runs).methods == ("alpha [version 1]", "alpha [version 2]")

    def test_two_budgets_on_one_case_stay_apart(self, make):
        """A store filled by `--time-limit 1` and then 60 must not show the mean of both."""
        runs = [make.result("a", "alpha", 110.0 - k, time_limit_s=k) for k in (1.0, 60.0)]
        runs += [make.result("a", "beta", 120.0, time_limit_s=k) for k in (1.0,)]
        table = Comparison.from_results(runs)
        assert table.methods == ("alpha [1 s]", "alpha [60 s]", "beta")
        assert table.summary().loc["alpha [60 s]", "mean_gap"] == 0.0
        runs = [make.result("a", "alpha", 110.0, threads=k) for k in (1, 2)]
        assert Comparison.from_results(runs).methods == ("alpha [1 thread]", "alpha [2 threads]")

    def test_limits_that_follow_the_instance_stay_together(self, make):
        runs = [make.result(name, "alpha", 110.0, time_limit_s=k) for name, k in (("a", 1.0), ("b", 60.0))]
        assert Comparison.from_results(runs).methods == ("alpha",)

    def test_a_file_name_that_is_no_utf8_does_not_lose_the_table(self, make, tmp_path):
        runs = [make.result("\udcff", m, 100.0, instance_hash="0", message="\ud800") for m in ("alpha", "beta")]
        table = Comparison.from_results(runs)
        assert table.frame["instance"].tolist() == ["\\udcff"] * 2
        assert table.paired("alpha", "beta").ties == 1
        table.report(tmp_path / "r.html")
        export_frame(table.frame, tmp_path / "t.csv")
        assert "\\udcff" in (tmp_path / "t.csv").read_text()

    def test_an_unfinished_grid_is_said(self, make):
        runs = [make.result(i, m, 100.0, seed=s) for i in ("a", "b") for m in ("alpha", "beta") for s in (0, 1)]
        assert not any("without a run" in text for text in Comparison.from_results(runs).warnings)
        said = Comparison.from_results(runs[:-2]).warnings
        assert any(text.startswith("2 combinations of instance, method and seed without a run") for text in said)

    def test_it_prints_its_verdict_without_control_characters(self, make):
        text = repr(Comparison.from_results([make.result("a\x1b[31m", "al\x07pha", 100.0)]))
        assert all(c.isprintable() or c == "\n" for c in text)
        assert "1 instance, 1 method, 1 run" in text

    def test_the_machine_is_carried(self, make):
        facts = machine()
        assert {"processor", "cores", "memory", "system", "python", "numpy"} <= set(facts)
        assert all(isinstance(v, str) and v for v in facts.values())
        assert Comparison.from_results([make.result("a", "alpha", 1.0)]).machine == facts

    def test_compare_refuses_empty_grids(self):
        shop = JobShop.from_jobs("s", [[(0, 1)]])
        for instances, methods, seeds in (([], ["spt"], 1), (shop, [], 1), (shop, "spt", 0), (shop, "spt", [])):
            with pytest.raises(OptionError, match="at least one"):
                compare(instances, methods, seeds=seeds)


def test_a_real_comparison_and_its_store(tmp_path):
    """Two rules and an exact method on six tiny shops, through processes and the store."""
    rng = np.random.default_rng(0)
    shops = [
        JobShop.from_matrices(f"s{k}", [rng.permutation(3) for _ in range(3)], rng.integers(1, 9, (3, 3)))
        for k in range(6)
    ]
    table = compare(shops, ["exhaustive", "spt"], time_limit=20, threads=1, store=tmp_path / "s.sqlite")
    frame = table.frame
    assert len(frame) == 12
    assert set(frame["reference_kind"]) == {"proven bound"}
    assert (frame.loc[frame["method"] == "exhaustive", "gap_to_reference"] == 0).all()
    assert (frame["gap_to_reference"] >= 0).all()
    again = Comparison.from_store(tmp_path / "s.sqlite")
    columns = [c for c in frame.columns if c != "instance"]
    pd.testing.assert_frame_equal(
        again.frame.sort_values(["instance_hash", "method"])[columns].reset_index(drop=True),
        frame.sort_values(["instance_hash", "method"])[columns].reset_index(drop=True),
    )
    assert "another" in again.machine["note"]


def test_instances_by_name_path_or_themselves(tmp_path):
    shop = JobShop.from_jobs("own", [[(0, 1)]])
    path = tmp_path / "file.txt"
    path.write_text("1 2\n0 3 1 4\n")
    found = load_instances([shop, "ft06", path, str(path)])
    assert [s.num_operations for s in found] == [1, 36, 2, 2]
    assert found[0] is shop
    assert [s.name for s in load_instances("ft06")] == ["ft06"]
    with pytest.raises(UnknownNameError):
        load_instances("ft0666")


def test_a_reference_that_is_no_number_is_refused_before_anything_runs(tmp_path):
    shop = JobShop.from_jobs("s", [[(0, 1)]])
    with pytest.raises(OptionError, match="reference of 's'"):
        compare(shop, "spt", references={"s": math.nan}, store=tmp_path / "store")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_is_named_twice_counts_once():
    shop = JobShop.from_jobs("s", [[(0, 1)]])
    table = compare([shop, shop], ["spt", "lpt", "spt"], seeds=[0, 0])
    assert [(r.method, r.seed) for r in table.results] == [("spt", 0), ("lpt", 0)]


def test_pairs_a_method_cannot_handle_are_skipped_and_said():
    shop = JobShop.from_jobs("b", [[(0, 1), (1, 1)], [(1, 1), (0, 1)]], blocking="swap")
    with pytest.warns(UserWarning, match="only 1 instance|skipped, because") as told:
        table = compare(shop, ["exhaustive", "tabu"], time_limit=20, threads=1)
    assert any("handle the instance: 1 pair" in str(w.message) for w in told)
    assert [(s.method, s.instance.name) for s in table.skipped] == [("tabu", "b")]
    assert table.methods == ("exhaustive",)
