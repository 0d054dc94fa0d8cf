"""Studies that go well, or badly in one case: the others never notice."""

import os
import tempfile
from dataclasses import replace

import bad_methods
import psutil
import pytest
from tests.busy_machine import soon

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import OptionError, StoreError, UnknownNameError
from counterpoint.opt.options import build_options
from counterpoint.opt.registry import method as find_method
from counterpoint.opt.result import SolutionStatus, Termination
from counterpoint.opt.solving import check, run
from counterpoint.opt.studies.case import Case
from counterpoint.opt.studies.study import run_study

LIMIT_S, GRACE_S = 0.5, 1.0
SHOP = bad_methods.shop(1)
CAP_MB = 200
HANGING = ("hang", "hang_politely", "chatter", "spin")


def workers():
    """Return the processes that run below this one; multiprocessing's tracker is not one of a study's."""
    below = psutil.Process().children(recursive=True)
    return [process for process in below if "multiprocessing.resource_tracker" not in " ".join(process.cmdline())]


def bad(name, shop=SHOP, seed=0, **budget):
    """A case whose time is soon up if it does not end by itself, else in time for any machine."""
    limit_s = LIMIT_S if name in HANGING else 60.0
    return Case(shop, bad_methods.method(name), seed, Budget(**{"time_limit_s": limit_s, **budget}))


def good(seed=0):
    return bad("quick", seed=seed)


def content(result):
    """What must be equal in two runs of one case."""
    return (
        result.instance,
        result.method,
        result.seed,
        result.options,
        result.threads,
        result.termination,
        result.solution_status,
        result.objective,
        result.claimed_objective,
        result.bound,
        result.solution,
        [(p.objective, p.bound) for p in result.trace],
        result.metrics,
        result.solver,
        result.message,
    )


def in_process(case):
    return run(case.instance, case.chosen, case.budget, case.seed, case.built, label=case.label)


def test_two_workers_equal_one_process(tmp_path):
    wanted = [Case(bad_methods.shop(i), m, s) for i in range(2) for m in ("spt", "mwkr:scheme=active") for s in (0, 1)]
    wanted += [good(seed=s) for s in range(3)]
    expected = [content(in_process(case)) for case in wanted]
    assert [content(r) for r in run_study(wanted, workers=2, store=tmp_path / "s")] == expected
    assert [content(r) for r in run_study(wanted, store=tmp_path / "s")] == expected  # read back


def test_registered_methods_by_name():
    (result,) = run_study([Case(SHOP, "spt:scheme=active")])
    chosen = find_method("job-shop", "spt")
    options = build_options(chosen, {"scheme": "active"})
    assert content(result) == content(run(SHOP, chosen, Budget(), 0, options, label="spt:scheme=active"))


def test_no_cases():
    assert run_study([]) == []


def test_equal_cases_run_once(tmp_path):
    log = str(tmp_path / "log")
    case = replace(good(), options={"log": log})
    first, second = run_study([case, replace(case)])
    assert first is second
    assert (tmp_path / "log").read_text() == "begin shop-1/0\n"


def test_finished_cases_are_not_run_again(tmp_path):
    log, store = tmp_path / "log", tmp_path / "deep" / "study.sqlite"
    wanted = [replace(good(seed=s), options={"log": str(log)}) for s in range(3)]
    run_study(wanted[:2], store=store)
    told = []
    results = run_study(wanted, store=store, on_result=lambda case, result: told.append(case.seed))
    assert [r.seed for r in results] == [0, 1, 2]
    assert told == [2]
    assert sorted(log.read_text().splitlines()) == ["begin shop-1/0", "begin shop-1/1", "begin shop-1/2"]


def test_failed_cases_run_again_only_when_asked(tmp_path):
    wanted = [good(), bad("exit_now")]
    ran = []
    for retry in (False, False, True):
        results = run_study(
            wanted, store=tmp_path / "s", retry_failed=retry, on_result=lambda c, r: ran.append(c.label)
        )
        assert [r.termination for r in results] == [Termination.COMPLETED, Termination.ERROR]
    assert sorted(ran[:2]) == ["exit-now", "quick"]
    assert ran[2:] == ["exit-now"]


@pytest.mark.parametrize(
    ("name", "termination", "words", "is_kept"),
    [
        ("segfault", Termination.KILLED, "crashed (SIGSEGV)", True),
        ("abort", Termination.KILLED, "crashed (SIGABRT)", True),
        ("bad_alloc", Termination.MEMORY, "out of memory: crashed (SIGABRT)", False),
        ("exit_now", Termination.ERROR, "exit status 3; it last printed: \\x1b[31mgoing", True),
        ("system_exit", Termination.ERROR, "SystemExit: 4", True),
        ("unpicklable", Termination.ERROR, "Odd: cannot travel", False),
        ("mute", Termination.ERROR, "RuntimeError: no text", False),
        ("shout", Termination.ERROR, "the last words\\x1b[2J", False),
        ("lie", Termination.ERROR, "claimed objective 1, but the checker finds", True),
        ("undefined", Termination.ERROR, "claimed objective nan, but the checker finds", True),
        ("chatter", Termination.KILLED, "did not stop", True),
        ("break_connection", Termination.ERROR, "disturbed the worker's connection", True),
        ("hang_politely", Termination.TIME, "stopped by the supervisor", True),
        ("kill_server", Termination.KILLED, "died twice", True),
        ("leave_child", Termination.KILLED, "crashed (SIGABRT)", False),
    ],
)
def test_each_way_to_fail(name, termination, words, is_kept):
    grace_s = 8.0 if name == "hang_politely" else GRACE_S  # a polite one needs time to answer
    before, result, after = run_study([good(3), bad(name), good(4)], workers=1, grace_s=grace_s)
    assert (result.termination, result.objective is not None) == (termination, is_kept)
    assert words in result.message
    assert result.message.isprintable()
    assert len(result.message) < 12_000
    if is_kept:
        assert check(SHOP, result.solution).objective == result.objective
        assert result.solution_status is SolutionStatus.FEASIBLE
    else:
        assert result.solution_status is SolutionStatus.NONE
    assert content(before) == content(in_process(good(3)))
    assert after.termination is Termination.COMPLETED


def test_a_native_hang_keeps_its_incumbent():
    (result,) = soon(
        lambda: run_study([bad("hang")], grace_s=GRACE_S), LIMIT_S + GRACE_S + 1.0, took=lambda done: done[0].wall_s
    )
    assert result.termination is Termination.KILLED
    assert result.objective == float(bad_methods.serial(SHOP, 0, 5).makespan) == result.trace[-1].objective
    assert result.bound == 2.0
    assert result.wall_s >= LIMIT_S + GRACE_S
    assert "did not stop, 1 s past its time limit of 0.5 s" in result.message


def test_infinite_bounds_say_nothing(tmp_path):
    (result,) = run_study([bad("endless")], store=tmp_path / "s")
    assert (result.termination, result.bound) == (Termination.COMPLETED, None)
    (again,) = run_study([bad("endless")], store=tmp_path / "s")
    assert content(again) == content(result)


def test_cpu_seconds_of_the_killed_are_counted():
    for limit_s in (LIMIT_S, 10 * LIMIT_S, 60 * LIMIT_S):  # until the machine has had 0.3 s for it
        (result,) = run_study([bad("spin", time_limit_s=limit_s)], grace_s=GRACE_S)
        assert result.termination is Termination.KILLED
        assert result.cpu_s < 2.0
        if result.cpu_s >= 0.3:
            return
    pytest.fail(f"{result.cpu_s} s of 0.3 were counted")


@pytest.mark.parametrize("name", ["eat_memory", "eat_at_once"])
def test_memory_is_capped(name):
    peak = 0.0

    def watch(event):
        nonlocal peak
        for child in psutil.Process().children(recursive=True):
            try:
                peak = max(peak, child.memory_info().rss)
            except psutil.Error:
                continue

    (result,) = run_study([bad(name)], memory_limit_mb=CAP_MB, progress=watch)
    assert result.termination is Termination.MEMORY
    assert result.objective == float(bad_methods.serial(SHOP, 0, 5).makespan)
    assert result.wall_s < 40
    assert peak < 2 * 2**30


def test_the_cap_leaves_room_for_what_fits():
    (result,) = run_study([good()], memory_limit_mb=CAP_MB)
    assert result.termination is Termination.COMPLETED


def test_twenty_with_three_bad_ones():
    """17 normal rows, 3 classified ones, no orphan, all in bounded time."""
    wanted = [good(seed=s) for s in range(17)]
    for place, name in ((3, "segfault"), (8, "hang"), (12, "eat_memory")):
        wanted.insert(place, bad(name))
    results = soon(
        lambda: run_study(wanted, workers=2, memory_limit_mb=CAP_MB),
        LIMIT_S + 6.0 + 15.0,  # the last for imports
    )
    failed = {r.method: r for r in results if r.termination is not Termination.COMPLETED}
    assert {name: str(r.termination) for name, r in failed.items()} == {
        "segfault": "killed",
        "hang": "killed",
        "eat-memory": "memory",
    }
    assert len(results) == 20
    for result in failed.values():
        assert result.objective == float(bad_methods.serial(SHOP, 0, 5).makespan)
        assert check(SHOP, result.solution).is_feasible
    for case, result in zip(wanted, results, strict=True):
        if result.method == "quick":
            assert content(result) == content(in_process(case))
    assert not workers()


def test_threads_times_workers_fit_the_cores():
    cores = len(os.sched_getaffinity(0))
    running, most = set(), 0

    def watch(event):
        nonlocal most
        if event.kind == "started":
            running.add(event.index)
        elif event.kind == "finished":
            running.discard(event.index)
        most = max(most, len(running))

    parallel = replace(bad_methods.method("quick"), is_parallel=True)
    wanted = [Case(SHOP, parallel, s, Budget(threads=cores), {"seconds": 0.02}) for s in range(3)]
    results = run_study(wanted, progress=watch)
    assert most == 1
    assert [r.threads for r in results] == [cores] * 3


def test_events_tell_the_whole_story(tmp_path):
    wanted = [good(seed=s) for s in range(3)] + [bad("abort")]
    run_study(wanted[:1], store=tmp_path / "s")
    events = []
    run_study(wanted, store=tmp_path / "s", workers=1, progress=events.append)
    assert [e.kind for e in events if e.kind != "incumbent"] == ["opened", *["started", "finished"] * 3, "closed"]
    assert (events[0].done, events[0].reused, events[0].total) == (1, 1, 4)
    assert (events[-1].done, events[-1].failed, events[-1].reused) == (4, 1, 1)
    finished = [e for e in events if e.kind == "finished"]
    assert [e.done for e in finished] == [2, 3, 4]
    assert [e.result.method for e in finished] == ["quick", "quick", "abort"]
    found = next(e for e in events if e.kind == "incumbent" and e.index == 1)
    assert found.objective == float(bad_methods.serial(SHOP, 1).makespan)


def test_an_error_in_a_callback_ends_all_workers():
    def fail(case, result):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        run_study([good(), bad("hang", time_limit_s=60.0)], workers=2, on_result=fail)
    assert not workers()


def test_no_room_for_temporary_files(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(StoreError, match=r"cannot write to .*gone: No such file or directory; free some space"):
        run_study([good()])
    assert not workers()


@pytest.mark.parametrize("wrong", [{"workers": 0}, {"memory_limit_mb": 0}, {"grace_s": -1.0}])
def test_wrong_arguments(wrong):
    with pytest.raises(OptionError):
        run_study([good()], **wrong)


def test_wrong_names_raise_before_anything_runs(tmp_path):
    log = tmp_path / "log"
    noted = replace(good(), options={"log": str(log)})
    with pytest.raises(UnknownNameError):
        run_study([noted, Case(SHOP, "no-such-method")])
    assert not log.exists()


def test_a_method_that_cannot_be_imported_is_an_error_row():
    broken = replace(bad_methods.method("quick"), target="no_such_module:solve", options="")
    (result,) = run_study([Case(SHOP, broken)])
    assert result.termination is Termination.ERROR
    assert "No module named 'no_such_module'" in result.message


def test_ctrl_c_in_compiled_code_of_a_worker_is_an_interruption():
    chosen = replace(bad_methods.method("quick"), warm_up="bad_methods:wrapped_interrupt")
    (result,) = run_study([Case(SHOP, chosen)])
    assert result.termination is Termination.INTERRUPTED
