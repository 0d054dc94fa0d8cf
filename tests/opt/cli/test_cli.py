"""The command line end to end, as users and scripts call it."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from tests.busy_machine import soon

import counterpoint as ct

COMMAND = str(Path(sys.executable).with_name("counterpoint"))


def call(*args: object, cwd: Path | None = None, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [COMMAND, *map(str, args)], capture_output=True, text=True, cwd=cwd, check=False, env={**os.environ, "CI": "1"}
    )
    assert done.returncode == status, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def test_solve_prints_json_that_says_the_truth() -> None:
    rows = json.loads(call("solve", "ft06", "-m", "mwkr", "--json").stdout)
    assert len(rows) == 1
    expected = ct.solve(ct.benchmark("ft06"), "mwkr")
    assert rows[0]["objective"] == expected.objective
    assert rows[0]["method"] == "mwkr"
    assert rows[0]["solution_status"] == "feasible"


def test_solve_proves_ft06_and_check_confirms(tmp_path: Path) -> None:
    call("solve", "ft06", "-m", "cp-sat", "-t", 20, "--out", tmp_path, "--threads", 1)
    (written,) = tmp_path.glob("ft06*.json")
    assert ct.read_result(written).objective == 55
    assert "confirmed" in call("check", written).stdout


def test_check_refuses_a_lie(tmp_path: Path) -> None:
    call("solve", "ft06", "-m", "spt", "--out", tmp_path)
    (written,) = tmp_path.glob("ft06*.json")
    data = json.loads(written.read_text())
    data["objective"] -= 1
    written.write_text(json.dumps(data))
    verdict = json.loads(call("check", written, "--json", status=1).stdout)
    assert not verdict[0]["ok"]
    assert "checker finds" in verdict[0]["message"]


def test_check_names_the_violation(tmp_path: Path) -> None:
    call("solve", "ft06", "-m", "spt", "--out", tmp_path)
    (written,) = tmp_path.glob("ft06*.json")
    data = json.loads(written.read_text())
    data["solution"]["start"][3] -= 1
    data["solution"]["end"][3] -= 1
    written.write_text(json.dumps(data))
    verdict = json.loads(call("check", written, "--json", status=1).stdout)
    assert verdict[0]["violations"]


def test_check_of_a_bare_solution_needs_the_instance(tmp_path: Path) -> None:
    call("solve", "ft06", "-m", "spt", "--out", tmp_path)
    (written,) = tmp_path.glob("ft06*.json")
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps(json.loads(written.read_text())["solution"]))
    assert "--instance" in call("check", bare, status=2).stderr
    assert "confirmed" in call("check", bare, "--instance", "ft06").stdout


def test_batch_of_files_resumes_and_exports(tmp_path: Path) -> None:
    shops = tmp_path / "shops"
    call("generate", "job-shop", "--set", "jobs=5", "--set", "machines=3", "--count", 4, "--out", shops)
    assert len(list(shops.iterdir())) == 4
    out = tmp_path / "run"
    table = tmp_path / "table.csv"
    first = json.loads(call("solve", shops, "-m", "random", "--out", out, "--export", table, "--json").stdout)
    assert len(first) == 4
    again = json.loads(call("solve", shops, "-m", "random", "--out", out, "--json").stdout)
    assert again == first  # times included: nothing ran twice
    with table.open() as file:
        assert {float(row["objective"]) for row in csv.DictReader(file)} == {row["objective"] for row in first}


def test_generated_sizes_share_a_folder(tmp_path: Path) -> None:
    for jobs in (2, 3):
        call("generate", "job-shop", "--set", f"jobs={jobs}", "--set", "machines=2", "--out", tmp_path)
    files = sorted(tmp_path.iterdir())
    assert [f.name for f in files] == ["uniform-2x2-0.json", "uniform-3x2-0.json"]
    assert [ct.read(f).name for f in files] == [f.stem for f in files]


def test_compare_writes_a_report_that_report_can_rebuild(tmp_path: Path) -> None:
    out, page = tmp_path / "run", tmp_path / "a.html"
    done = call("compare", "ft06", "la01", "-m", "spt", "-m", "mwkr", "-m", "fifo", "--out", out, "--report", page)
    assert "Summary by method" in done.stdout
    html = page.read_text()
    assert "<script" not in html
    assert all(name in html for name in ("ft06", "la01", "spt", "mwkr", "fifo"))
    call("report", out, "-o", tmp_path / "b.html")
    assert "la01" in (tmp_path / "b.html").read_text()


def test_a_bad_file_is_named_with_its_line_and_the_rest_is_solved(tmp_path: Path) -> None:
    ct.write(ct.benchmark("ft06"), tmp_path / "good.txt", format="standard")
    lines = (tmp_path / "good.txt").read_text().splitlines()
    rows = [i for i, line in enumerate(lines) if not line.startswith("#")]
    lines[rows[3]] = lines[rows[3]] + " x"
    (tmp_path / "bad.txt").write_text("\n".join(lines) + "\n")
    done = call("solve", tmp_path, "-m", "spt", "--json", status=2)
    assert len(json.loads(done.stdout)) == 1
    assert f"bad.txt:{rows[3] + 1}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (("solve", "ft66"), "did you mean"),
        (("solve", "ft06", "-m", "cpsat"), "cp-sat"),
        (("solve", "ft06", "-m", "spt:shceme=active"), "scheme"),
        (("solve", "nothing/here.txt"), "here.txt"),
        (("solve", ""), "empty name"),
        (("solve", "ft06", "-m", ""), "no method named ''"),
        (("report", "."), "there is no store study.sqlite"),
        (("solve", "nothing"), "no file or public benchmark named 'nothing'"),
        (("solve", "ta9*"), "matches 'ta9*'"),
        (("generate", "job-shop", "--set", "jobs=-3", "--set", "machines=2", "--out", "x"), "jobs"),
        (("generate", "bag-of-holding", "--out", "x"), "job-shop"),
        (("solve", "ft06", "--time-limit", "-1"), "time-limit"),
        (("check", "missing.json"), "missing.json"),
        (("check", "."), "nothing to check"),
        (("fetch", "everything"), "fjsp"),
    ],
)
def test_bad_usage_exits_2_with_a_hint(args: tuple[str, ...], hint: str, tmp_path: Path) -> None:
    done = call(*args, cwd=tmp_path, status=2)
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failed_case_exits_1() -> None:
    # no method proves anything in no time; the time-indexed model refuses horizons this long
    done = call("solve", "ta71", "-m", "mip-time-indexed", "-t", 5, "--json", status=1)
    assert json.loads(done.stdout)[0]["termination"] == "error"


@pytest.mark.parametrize("option", ["--out", "--report", "--export"])
def test_what_cannot_be_written_is_said_before_anything_runs(option: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" if option == "--out" else tmp_path / "file" / "under.csv"
    done = call("compare", "ta01", "-m", "cp-sat", "-t", 60, option, path, status=2)  # 60 s, were it to run
    assert "file: File exists" in done.stderr or "file: Not a directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_export_of_unknown_kind_is_said_before_anything_runs(tmp_path: Path) -> None:
    done = call("solve", "ft06", "-m", "spt", "--export", "t.xls", "--out", "run", cwd=tmp_path, status=2)
    assert ".csv or .parquet" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_instance_that_nothing_could_run_exits_1() -> None:
    done = call("solve", "la01-blocking-swap", "ft06", "-m", "spt", "--json", status=1)
    assert len(json.loads(done.stdout)) == 1
    assert "skipped: spt on la01-blocking-swap" in done.stderr
    assert "nothing ran" in call("compare", "la01-blocking-swap", "-m", "spt", status=1).stdout


def test_check_judges_every_file_though_one_is_bad(tmp_path: Path) -> None:
    ct.solve(ct.benchmark("ft06"), "spt").save(tmp_path / "good.json")
    (tmp_path / "bad.json").write_text("{")
    rows = json.loads(call("check", "bad.json", "gone.json", "good.json", "--json", cwd=tmp_path, status=2).stdout)
    assert [row["ok"] for row in rows] == [False, False, True]
    rows = json.loads(call("check", ".", "--json", cwd=tmp_path, status=2).stdout)  # a folder: its .json files
    assert [(row["file"], row["ok"]) for row in rows] == [("bad.json", False), ("good.json", True)]


def test_it_runs_without_standard_input_and_error() -> None:
    done = subprocess.run(
        ["bash", "-c", f"{COMMAND} solve ft06 -m spt 0<&- 2>&-"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={k: v for k, v in os.environ.items() if k != "CI"},
    )
    assert "88" in done.stdout


def test_results_do_not_go_among_the_instances(tmp_path: Path) -> None:
    ct.write(ct.benchmark("ft06"), tmp_path / "a.txt", format="standard")
    assert "read as instances" in call("solve", tmp_path, "-m", "spt", "--out", tmp_path, status=2).stderr
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_lists() -> None:
    assert "job-shop" in call("problems").stdout
    names = {row["method"] for row in json.loads(call("methods", "job-shop", "--json").stdout)}
    assert {"hybrid", "cp-sat", "tabu", "spt", "mip-disjunctive"} <= names
    rows = {row["name"]: row for row in json.loads(call("benchmarks", "ta4?", "--json").stdout)}
    assert len(rows) == 10
    assert rows["ta41"]["upper bound"] == 2005
    everything = {row["name"]: row for row in json.loads(call("benchmarks", "--json").stdout)}
    assert everything.keys() == set(ct.benchmarks())
    assert everything["plant-4x2"]["upper bound"] is None  # of which nothing is known
    assert "Examples" in call("solve", "--help").stdout
    assert ct.__version__ in call("--version").stdout


def test_the_problem_may_be_said(tmp_path: Path) -> None:
    ct.write(ct.benchmark("ft06"), tmp_path / "a.txt", format="standard")
    assert "ft06 is of job-shop, not of tsp" in call("solve", "ft06", "--problem", "tsp", status=2).stderr
    assert "is of no format we know" in call("solve", tmp_path, "--problem", "tsp", status=2).stderr
    assert "did you mean job-shop" in call("compare", tmp_path, "--problem", "job-shops", "-m", "spt", status=2).stderr
    assert "plant-6x3" in call(
        "evaluate", "*6x3", "--problem", "stochastic-lot-sizing", "-p", "idle", "--scenarios", "2"
    ).stdout  # fmt: skip


def test_a_proof_that_there_is_no_plan_says_why(tmp_path: Path) -> None:
    plan = ct.generate("lot-sizing", items=2, periods=3, seed=0)
    ct.write(plan, tmp_path / "a.json")
    text = json.loads((tmp_path / "a.json").read_text())
    text["capacity"] = [1.0] * 3
    del text["content_hash"]
    (tmp_path / "a.json").write_text(json.dumps(text))
    assert "capacity is short by period" in call("solve", tmp_path / "a.json").stdout


def test_ctrl_c_where_no_verb_catches_it_is_told(monkeypatch, capsys) -> None:
    from counterpoint.opt.cli import main, output

    def interrupt(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(output, "print_table", interrupt)
    monkeypatch.setattr(main.sys, "argv", ["counterpoint", "problems"])
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended:
            main.main()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (ended.value.code, capsys.readouterr().err) == (130, "counterpoint: interrupted\n")


def test_convert_keeps_the_content(tmp_path: Path) -> None:
    call("convert", "la01", tmp_path / "a.json")
    call("convert", tmp_path / "a.json", tmp_path / "b.txt", "--to", "taillard")
    assert ct.read(tmp_path / "b.txt").content_hash == ct.benchmark("la01").content_hash


def interrupt_at_work(send: signal.Signals, folder: Path) -> tuple[float, int, str, str]:
    """Send a signal when a worker has used a second; return seconds to the end, status, what was printed."""
    process = psutil.Popen(
        [COMMAND, "solve", "ta41", "ta42", "-m", "cp-sat", "-t", "200", "--threads", "1", "--out", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job's children ignore it
    )
    while True:
        assert process.poll() is None, process.communicate()
        with suppress(psutil.Error):
            workers = [worker for server in process.children() for worker in server.children()]
            if any(worker.cpu_times().user > 1 for worker in workers):
                break
        time.sleep(0.05)
    sent = time.monotonic()
    process.send_signal(send)
    out, err = process.communicate(timeout=100)
    return time.monotonic() - sent, process.returncode, out, err


@pytest.mark.parametrize("send", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_keeps_the_best_and_the_store(send: signal.Signals, tmp_path: Path) -> None:
    folders = (tmp_path / str(k) for k in range(9))
    _, status, out, err = soon(lambda: interrupt_at_work(send, next(folders)), 6, took=lambda done: done[0])
    assert status == 130, err
    assert "interrupted" in out
    assert (tmp_path / "0" / "study.sqlite").exists()


def test_nothing_is_written_for_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bad.DAT").write_text("1 2\nno capacity\n")
    call("solve", tmp_path / "bad.DAT", "--out", tmp_path / "results", "--quiet", status=2)
    assert not (tmp_path / "results").exists()


def test_generated_files_get_their_formats_extension(tmp_path: Path) -> None:
    sizes = ("--set", "items=2", "--set", "periods=4")
    call("generate", "lot-sizing", *sizes, "--out", tmp_path, "--format", "trigeiro")
    assert [path.suffix for path in tmp_path.iterdir()] == [".dat"]
