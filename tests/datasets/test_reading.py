"""Formats on hand-sized files: what they mean, and what each mistake is called."""

import dataclasses
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.datasets.formats import FORMATS, formats
from counterpoint.datasets.generating import generate, generators
from counterpoint.datasets.reading import MAX_BYTES, read, write
from counterpoint.datasets.registry import benchmark, benchmarks
from counterpoint.opt.errors import CounterpointError, InstanceError, OptionError, UnknownNameError
from counterpoint.opt.problems.job_shop import JobShop, Schedule

TWO = JobShop.from_jobs("two", [[(0, 3), (1, 2)], [(1, 4), (0, 1)]])
STANDARD = "2 2\n0 3 1 2\n1 4 0 1\n"
TAILLARD = "Nb of jobs, Nb of Machines\n2 2\nTimes\n3 2\n4 1\nMachines\n1 2\n2 1\n"
REENTRANT = "2 2\n0 3 1 2 0 5 -1 -1\n1 4 -1 -1\n"
FLEXIBLE = "2 2 1.5\n2 2 1 3 2 4 1 2 2\n1 1 1 4\n"


@pytest.fixture
def put(tmp_path):
    def put(text: str | bytes, name: str = "two.txt") -> Path:
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return put


@pytest.mark.parametrize(
    "text",
    [
        STANDARD,
        STANDARD.rstrip("\n"),
        STANDARD.replace("\n", "\r\n"),
        "\ufeff" + STANDARD,
        "# instance two\n#\n# with Greek \u03b1\n" + STANDARD,
        "\n  2\t 2 \n\n 0   3\t1 2   \n\n1 4 0 1\n\n\n",
        TAILLARD,
        TAILLARD.replace("Times", "times").replace("Machines\n1", " machines \n1"),
        "Nb of jobs, Nb of Machines, Time seed, Machine seed, Upper bound, Lower bound\n 2 2 1 2 9 8\n"
        + TAILLARD.split("\n", 2)[2],
    ],
)
def test_one_shop_in_many_spellings(put, text):
    assert read(put(text)) == TWO


def test_re_entrant_and_flexible(put):
    assert read(put(REENTRANT)) == JobShop.from_jobs("two", [[(0, 3), (1, 2), (0, 5)], [(1, 4)]])
    flexible = JobShop.from_jobs("two", [[[(0, 3), (1, 4)], [(1, 2)]], [[(0, 4)]]])
    assert read(put(FLEXIBLE)) == flexible
    assert read(put(FLEXIBLE, "two.fjs")) == flexible
    assert read(put("2 2\n2 2 1 3 2 4 1 2 2\n1 1 1 4\n")) == flexible  # no third number in the header
    assert read(put("2 2 1.5\n2 2 0 3 1 4 1 1 2\n1 1 0 4\n")) == flexible  # 0-based


def test_ragged_jobs_in_the_standard_format(put):
    text = "3 3\n0 3 1 2\n1 4\n2 1 0 2 2 2 1 1\n"
    expected = JobShop.from_jobs("two", [[(0, 3), (1, 2)], [(1, 4)], [(2, 1), (0, 2), (2, 2), (1, 1)]])
    assert read(put(text)) == expected
    assert read(put(text), format="ragged") == expected
    mostly = "3 3\n0 3 1 2 2 1\n1 4 0 1 2 3\n2 1 0 2\n"  # two of three are full: the third is taken for a mistake
    with pytest.raises(InstanceError, match=r"two.txt:4: job 2 must visit each of the 3 machines once.*ragged"):
        read(put(mostly))
    assert read(put(mostly), format="ragged").num_operations == 8


@pytest.mark.parametrize(
    ("text", "line", "match"),
    [
        ("", 1, "empty"),
        ("\n# only a comment\n", 1, "empty"),
        ("hello\n", 1, "no format we know; expected one of: standard"),
        ("2 2 2 2\n", 1, "no format we know"),
        ("2 2\n0 3 1 2\n", 2, "expected 2 lines, one per job, but the file ends after 1"),
        (STANDARD + "0 3 1 2\n", 4, "nothing more"),
        ("2 2\n0 3 1\n1 4 0 1\n", 2, "3 numbers; expected pairs"),
        ("2 2\n0 3 2 2\n1 4 0 1\n", 2, r"machine 2 does not exist; expected 0..1 \(machines are numb"),
        ("2 2\n0 3 -1 2\n1 4 0 1\n", 2, "machine -1 does not exist"),
        ("2 2\n0 3 1 2\n1 4 0 -1\n", 3, "duration -1 is negative"),
        ("2 2\n0 3 0 2\n1 4 0 1\n", 2, "job 0 must visit each of the 2 machines once"),
        ("2 3\n0 3 1 2\n1 4 0 1\n", 1, "machine 2 has no operation although the header says 3 machines"),
        ("2 1\n0 3 1 2\n1 4 0 1\n", 2, "machine 1 does not exist"),
        ("0 2\n", 1, "0 jobs in the header"),
        ("2 0\n0 3\n0 3\n", 1, "0 machines in the header"),
        ("-2 2\n0 3 1 2\n1 4 0 1\n", 1, "-2 jobs"),
        ("99999999999 2\n0 3 1 2\n1 4 0 1\n", 1, "expected 1..10000000"),
        ("2 99999999999\n0 3 1 2\n1 4 0 1\n", 1, "expected 1..1000000"),
        ("9999999 2\n0 3 1 2\n1 4 0 1\n", 3, "the file ends after 2"),
        (f"2 2\n0 3 1 {9 * 10**17}\n1 4 0 1\n", 2, "add up to more than"),
        (f"2 2\n0 3 1 {'9' * 5000}\n1 4 0 1\n", 2, "5000 digits is too large"),
        *((f"2 2\n0 3 1 2\n1 4 0 {bad}\n", 3, "is not a whole number")
          for bad in ("x", "NaN", "1.0", "1e3", "1_0", "+1", "-0", "0x1", "--1", "\u0661", "\u00b2", "1\x00", "O")),
        ("2 2\n0 3 1 2\n1 4 0 1\n9 9\n", 4, "nothing more"),
        ("2 2\n0 3 1 2 1 4 0 1\n", 2, "ends after 1"),
        ("2 2\n0 3 1 2 0\n", 2, "ends after 1"),
        ("1 2\n0 3\n", 1, "machine 1 has no operation"),
        ("1 2\n0 3 1 4 0 7", 2, "the last line has no newline"),
        (TAILLARD.replace("1 2\n2 1", "1 2\n2 2"), 8, "each of the 2 machines once"),
        (TAILLARD.replace("1 2\n2 1", "0 1\n1 0"), 7, r"machine 0 does not exist; expected 1..2"),
        (TAILLARD.replace("3 2", "3"), 4, "1 numbers; expected 2 durations"),
        (TAILLARD.replace("3 2", "3 2 1"), 4, "3 numbers"),
        (TAILLARD.replace("3 2", "-3 2"), 4, "negative"),
        (TAILLARD.replace("Times\n", ""), 3, "expected the word Times"),
        (TAILLARD.replace("Machines\n1", "1"), 7, "ends after 4"),
        (TAILLARD.replace("Machines\n1", "Machinen\n1"), 6, "the word Machines"),
        (TAILLARD.replace("2 2\n", "2 2 7\n", 1), 2, "3 numbers for 2 names"),
        (TAILLARD.replace("2 2\n", "2\n", 1), 2, "1 numbers for 2 names"),
        (TAILLARD.replace("2 2\n", "3 2\n", 1), 8, "expected 7 lines"),
        (TAILLARD + "1 2\n", 9, "nothing more"),
        ("Nb of jobs, Nb of Machines", 1, "ends after the line of names"),
        (TAILLARD.split("\n", 1)[1], 1, "expected the line of names"),
        (REENTRANT.replace("4 -1 -1", "4 -1"), 3, "then -1 -1"),
        (REENTRANT.replace("4 -1 -1", "4"), 3, "then -1 -1"),
        (REENTRANT.replace("1 4 -1 -1", "-1 -1"), 3, "job without operations"),
        (REENTRANT.replace("0 5 -1 -1", "0 5 -1 -1 -1 -1"), 2, "machine -1"),
        (REENTRANT.replace("0 5", "2 5"), 2, "machine 2 does not exist"),
        (REENTRANT.replace("2 2", "2 3", 1), 1, "machine 2 has no operation"),
        (FLEXIBLE.replace("1 1 1 4", "1 1 1"), 3, "operation 0 needs 1 pairs"),
        (FLEXIBLE.replace("1 1 1 4", "1 1 1 4 7"), 3, "1 numbers too many"),
        (FLEXIBLE.replace("1 1 1 4", "2 1 1 4"), 3, "ends after 1"),
        (FLEXIBLE.replace("1 1 1 4", "1 0"), 3, "0 machines"),
        (FLEXIBLE.replace("1 1 1 4", "0"), 3, "0 operations"),
        (FLEXIBLE.replace("1 1 1 4", "1 2 1 4 1 5"), 3, "lists a machine twice"),
        (FLEXIBLE.replace("1 1 1 4", "1 1 3 4"), 3, "machine 3 does not exist; expected 0..1 or 1..2"),
        (FLEXIBLE.replace("1 1 1 4", "1 1 0 4"), 3, "machines 0 and 2 both occur"),
        (FLEXIBLE.replace("2 2 1.5", "2 5 1.5"), 1, 'base is unknown; pass format="fjs-0" or format="fjs-1"'),
        ("2 3 1.5\n2 2 0 3 1 4 1 1 2\n1 1 0 4\n", 1, "machine 2 has no operation although machines count from 0"),
        (FLEXIBLE.replace("1.5", "NaN"), 1, "no format we know"),
        ('{"type": "job-shop",\n "version": 1}', 1, "missing fields"),
        ('{"type": "job-shop",\n "version": 2}', 2, "expected version 1"),
        ('{"type": "bin-packing"}', 1, "expected an object with type job-shop"),
        ("[1, 2]", 1, "expected an object"),
        ('{\n"a": 1,\n"a": 2}', 3, "same field twice"),
        ('{\n"a": [1,\nNaN]}', 3, "NaN is not a number"),
        ('{\n"a": ', 2, "not JSON"),
        ('{"type": "counterpoint-result"}', 1, "read_result"),
        ("{" + '"a":{' * 100_000, 1, "not JSON"),
    ],
)  # fmt: skip
def test_every_mistake_has_a_file_a_line_and_a_reason(put, text, line, match):
    file = put(text)
    with pytest.raises(InstanceError, match=match) as caught:
        read(file)
    assert caught.value.line == line
    assert caught.value.file == str(file)
    assert str(caught.value).startswith(f"{file}:{line}: ")


def test_json_errors_name_line_and_place(put, tmp_path):
    write(TWO, tmp_path / "a.json")
    text = (tmp_path / "a.json").read_text()
    spread = text.replace("[[0, 3]]", "[[0,\n 3.5]]")
    with pytest.raises(InstanceError, match=r"jobs\[0\]\[0\]\[0\]\[1\]: expected a whole number") as caught:
        read(put(spread, "b.json"))
    assert spread.split("\n")[caught.value.line - 1].strip().startswith("3.5")
    with pytest.raises(InstanceError, match=r"content_hash: the instance differs") as caught:
        read(put(text.replace("[[0, 3]]", "[[0, 4]]"), "b.json"))
    assert '"content_hash"' in text.split("\n")[caught.value.line - 1]
    unsigned = text.replace("[[0, 3]]", "[[0, 4]]").partition(',\n  "content_hash"')[0] + "}"
    assert read(put(unsigned, "b.json")).duration[0] == 4  # a file written by hand needs no hash


def test_a_schedule_is_not_an_instance(put):
    import json

    from counterpoint.opt.problems.job_shop_json import encode

    schedule = Schedule.from_starts(TWO, [0, 3, 0, 4])
    with pytest.raises(InstanceError, match=r"expected an object with type job-shop or .*, not 'job-shop-schedule'"):
        read(put(json.dumps(encode(schedule)), "s.json"))


def test_a_benchmark_s_name_is_no_file_but_gets_a_hint():
    with pytest.raises(InstanceError, match=r'no such file; the public instance is benchmark\("ft06"\)'):
        read("ft06")


def test_paths_that_are_no_files(tmp_path):
    for path, match in ((tmp_path, "folder"), (tmp_path / "none.txt", "no such file"), ("a\0b", "cannot be read")):
        with pytest.raises(InstanceError, match=match) as caught:
            read(path)
        assert caught.value.line == 1
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InstanceError, match="not a regular file"):
        read(tmp_path / "pipe")  # and does not wait for a writer
    big = tmp_path / "big.txt"
    with big.open("wb") as handle:
        handle.truncate(MAX_BYTES + 1)  # sparse
    with pytest.raises(InstanceError, match=r"big.txt:1: 200000001 bytes; files up to"):
        read(big)
    with pytest.raises(InstanceError, match="regular file"):
        read("/dev/zero")


def test_a_path_that_cannot_be_written(put):
    file = put(STANDARD)
    for path in (file / "x.txt", "a\0b.txt"):
        with pytest.raises(CounterpointError, match="cannot write"):
            write(TWO, path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_file(put):
    file = put(STANDARD)
    file.chmod(0)
    with pytest.raises(InstanceError, match="cannot be read"):
        read(file)


def test_names_of_formats_and_problems(put):
    file = put(STANDARD)
    assert read(file, problem="job-shop", format="standard") == TWO
    with pytest.raises(UnknownNameError, match="format named 'stdard'; did you mean standard"):
        read(file, format="stdard")
    with pytest.raises(UnknownNameError, match="problem"):
        read(file, problem="bin-packing")
    with pytest.raises(InstanceError, match="line of names"):
        read(file, format="taillard")
    assert [f.name for f in formats("job-shop")] == [f.name for f in FORMATS if f.problem == "job-shop"]
    assert formats("interrupted-job-shop") == ()


def test_a_file_that_its_name_gives_to_one_problem_is_not_read_as_another(put):
    for text in ("3 10\n5 4\n", "2 1\n0 1\n0 1\n"):
        with pytest.raises(InstanceError) as said:
            read(put(text, "a.kp"))
        assert "machine" not in str(said.value)
    assert read(put("2 1\n0 1\n0 1\n", "a.txt")).problem == "job-shop"


def test_two_formats_that_fit_are_told_apart_by_the_extension_or_refused(put):
    # flexible: operations on machines 1, 0, 1 of duration 5; standard: two operations a job
    both = "3 2\n1 1 1 5\n1 1 0 5\n1 1 1 5\n"
    with pytest.raises(InstanceError, match=r"several formats fit, pass format= one of: standard .*, fjs "):
        read(put(both))
    assert read(put(both, "x.fjs")).num_operations == 3
    assert read(put(both, "x.jsp")).num_operations == 6
    assert read(put(both), format="fjs").num_operations == 3
    assert read(put(both), format="standard").num_operations == 6


def test_fjs_base_can_be_given(put):
    text = "1 3 1.0\n1 1 1 4\n"
    assert read(put(text), format="fjs-0").option_machine.tolist() == [1]
    assert read(put(text), format="fjs-1").option_machine.tolist() == [0]
    with pytest.raises(InstanceError, match=r"machine 0 does not exist; expected 1..3"):
        read(put("1 3 1.0\n1 1 0 4\n"), format="fjs-1")


def holds(format: str, shop: JobShop) -> bool:
    """Which format can hold which shop, said independently of the writers."""
    if format == "json":
        return True
    if shop.features - {"flexible"} or shop.due_dates is not None:
        return False
    last_used = bool((shop.option_machine == shop.num_machines - 1).any())
    if format in ("fjs", "fjs-0", "fjs-1"):
        return last_used or format != "fjs"
    if shop.is_flexible:
        return False
    if format == "taillard":
        return shop.is_rectangular
    if format == "dacol-teppan":
        return last_used
    if format == "standard" and not shop.is_rectangular:
        jobs = [shop.machine[a:b].tolist() for a, b in zip(shop.job_offsets[:-1], shop.job_offsets[1:], strict=True)]
        full = sum(sorted(job) == list(range(shop.num_machines)) for job in jobs)
        return 2 * full < len(jobs) and last_used
    return True


def assert_round_trip(shop: JobShop, folder: Path) -> int:
    kept = 0
    for format in ("json", *(f.name for f in formats("job-shop"))):
        suffix = {"json": ".json", "fjs": ".fjs", "fjs-0": ".fjs", "fjs-1": ".fjs"}.get(format, ".txt")
        file = folder / f"{shop.name}{suffix}"
        file.unlink(missing_ok=True)
        if not holds(format, shop):
            with pytest.raises(InstanceError):
                write(shop, file, format=format)
            assert not file.exists()
            continue
        write(shop, file, format=format)
        by_name = None if format in ("json", "standard", "taillard", "dacol-teppan", "fjs") else format
        again = read(file, format=by_name)
        assert again == shop, format
        first = file.read_bytes()
        write(again, file, format=format)
        assert file.read_bytes() == first
        kept += 1
    return kept


SHIPPED = [name for name in benchmarks(problem="job-shop") if not name.endswith("data") and not name.startswith("mk")]


def assert_all_survive(names: list[str], folder: Path) -> None:
    kept = {name: assert_round_trip(benchmark(name), folder) for name in names}
    # blocking shops fit into json alone; classical ones into it and all seven text formats
    assert kept == {name: 1 if name.endswith("-blocking-swap") else 8 for name in names}


def test_bundled_instances_survive_every_format_that_can_hold_them(tmp_path):
    assert_all_survive(SHIPPED[::25], tmp_path)


@pytest.mark.slow
def test_all_bundled_instances_survive_every_format_that_can_hold_them(tmp_path):
    assert len(SHIPPED) == 484
    assert_all_survive(SHIPPED, tmp_path)


@settings(max_examples=80, deadline=None)
@given(
    generator=st.sampled_from([g.name for g in generators("job-shop")]),
    jobs=st.integers(1, 6),
    machines=st.integers(1, 5),
    seed=st.integers(1, 10**6),
    blocking=st.sampled_from(["none", "none", "swap", "no-swap"]),
    tightness=st.sampled_from([None, None, 0.0, 1.5]),
    windows=st.sampled_from([0, 0, 0, 2]),
)
def test_random_shops_survive_too(tmp_path_factory, generator, jobs, machines, seed, blocking, tightness, windows):
    shop = generate(
        "job-shop", generator=generator, jobs=jobs, machines=machines, seed=seed, blocking=blocking,
        due_date_tightness=tightness, windows_per_machine=windows,
    )  # fmt: skip
    assert assert_round_trip(shop, tmp_path_factory.mktemp("trip")) >= 1


def test_variants_are_never_lost_in_a_text_format(tmp_path):
    due = dataclasses.replace(TWO, due_dates=[5, 5])
    assert due.objective == "makespan"
    for shop in (due, dataclasses.replace(TWO, blocking="swap"), dataclasses.replace(TWO, unavailable=[[0, 1, 2]])):
        with pytest.raises(InstanceError, match="json"):
            write(shop, tmp_path / "x.txt")
        write(shop, tmp_path / "x.json")
        assert read(tmp_path / "x.json") == shop


def test_the_extension_chooses_the_format_to_write(tmp_path):
    write(TWO, tmp_path / "two.txt")
    assert (tmp_path / "two.txt").read_text() == STANDARD
    write(TWO, tmp_path / "two.fjs")
    assert (tmp_path / "two.fjs").read_text() == "2 2 1.00\n2 1 1 3 1 2 2\n2 1 2 4 1 1 1\n"
    with pytest.raises(OptionError, match=r"no format for the extension '\.xml'"):
        write(TWO, tmp_path / "two.xml")
    with pytest.raises(UnknownNameError):
        write(TWO, tmp_path / "two.txt", format="xml")


def test_public_flexible_files(fjs_folder):
    expected = {"Mk01": (10, 6, 55), "Mk06": (10, 15, 150), "Mk08": (20, 10, 225), "Mk10": (20, 15, 240)}
    for file in sorted(fjs_folder.glob("*.fjs")):
        shop = read(file)
        assert shop == dataclasses.replace(read(file, format="fjs-1"), name=file.stem)
        if file.stem in expected:
            assert (shop.num_jobs, shop.num_machines, shop.num_operations) == expected[file.stem]


def test_mk06_is_told_by_its_content_and_a_changed_one_is_not(fjs_folder, put):
    text = (fjs_folder / "Mk06.fjs").read_text()
    assert read(put(text, "any.txt")).option_machine.max() == 9
    with pytest.raises(InstanceError, match="base is unknown"):
        read(put(text.replace(" 1 2 ", " 1 3 ", 1), "any.txt"))
