"""The store: what it refuses, and in which words; what it survives."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import bad_methods
import pytest

from counterpoint.opt.errors import StoreError
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.result import Termination
from counterpoint.opt.solving import run
from counterpoint.opt.studies.case import Case
from counterpoint.opt.studies.store import Store, read_results
from counterpoint.opt.studies.study import run_study

SHOP = bad_methods.shop(1)
NAMES = ["'; DROP TABLE results; --", "a\nb", "\x1b[2J", "\0", "\ud800", "=1+1", "", "x" * 300]


def made(shop=SHOP, seed=0):
    case = Case(shop, bad_methods.method("quick"), seed)
    return run(shop, case.chosen, case.budget, seed, case.built)


def named(name):
    return JobShop.from_matrices(name, SHOP.machine.reshape(3, 3), SHOP.duration.reshape(3, 3))


def test_keeps_everything(tmp_path):
    result = made()
    with Store(tmp_path / "s") as store:
        store.save("key", result)
        assert store.load("other", SHOP) is None
        again = store.load("key", SHOP)
    (read,) = read_results(tmp_path / "s")
    for found in (again, read):
        for field in type(result).__slots__:
            assert getattr(found, field) == getattr(result, field), field


def test_a_key_has_one_row(tmp_path):
    with Store(tmp_path / "s") as store:
        store.save("key", replace(made(), termination=Termination.KILLED))
        store.save("second", made(seed=1))
        store.save("key", made())
    assert [(r.seed, str(r.termination)) for r in read_results(tmp_path / "s")] == [(0, "completed"), (1, "completed")]


def test_hostile_names(tmp_path):
    with Store(tmp_path / "s") as store:
        for i, name in enumerate(NAMES):
            store.save(f"{i}{name.encode('utf-8', 'replace').decode()}", made(named(name)))
    assert [r.instance_name for r in read_results(tmp_path / "s")] == NAMES
    assert [r.instance.name for r in read_results(tmp_path / "s")] == NAMES


def test_an_instance_is_stored_once(tmp_path):
    with Store(tmp_path / "s") as store:
        for seed in range(5):
            store.save(str(seed), made(seed=seed))
    with sqlite3.connect(tmp_path / "s") as connection:
        assert connection.execute("SELECT COUNT(*) FROM instances").fetchone() == (1,)
    assert [r.seed for r in read_results(tmp_path / "s")] == [0, 1, 2, 3, 4]


def test_settings_that_survive_a_power_cut(tmp_path):
    with Store(tmp_path / "s") as store:
        assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_one_study_at_a_time(tmp_path):
    with Store(tmp_path / "s") as store:
        with pytest.raises(StoreError, match=f"in use by another study .process {os.getpid()}."):
            Store(tmp_path / "s")
        store.save("key", made())
        assert len(read_results(tmp_path / "s")) == 1  # reading is allowed
    Store(tmp_path / "s").close()


def test_workers_do_not_hold_the_lock(tmp_path):
    """Neither a fork server nor a worker keeps the store locked when the driver is gone."""
    with Store(tmp_path / "s"):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], close_fds=False)
    try:
        Store(tmp_path / "s").close()
    finally:
        child.kill()
        child.wait()


def one_clear_line(error):
    text = str(error.value)
    assert "\n" not in text
    assert text.isprintable()
    assert len(text) < 300 + len(os.fspath(Path.cwd()))
    return text


@pytest.mark.parametrize("content", [b"not a database at all, just some text that is long enough" * 20, b"\0" * 5000])
def test_not_a_database(tmp_path, content):
    (tmp_path / "s").write_bytes(content)
    with pytest.raises(StoreError) as error:
        Store(tmp_path / "s")
    one_clear_line(error)
    with pytest.raises(StoreError):
        read_results(tmp_path / "s")
    assert (tmp_path / "s").read_bytes() == content


def test_another_database(tmp_path):
    with sqlite3.connect(tmp_path / "s") as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    for use in (Store, read_results):
        with pytest.raises(StoreError, match="not a counterpoint store") as error:
            use(tmp_path / "s")
        one_clear_line(error)


def test_another_version(tmp_path):
    Store(tmp_path / "s").close()
    with sqlite3.connect(tmp_path / "s") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    for use in (Store, read_results):
        with pytest.raises(StoreError, match="another version"):
            use(tmp_path / "s")


def test_an_empty_file_becomes_a_store(tmp_path):
    (tmp_path / "s").touch()
    Store(tmp_path / "s").close()
    assert read_results(tmp_path / "s") == []


def test_no_store(tmp_path):
    with pytest.raises(StoreError, match="there is no store"):
        read_results(tmp_path / "s")
    with pytest.raises(StoreError, match="is a folder"):
        Store(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError) as error:
        Store(tmp_path / "file" / "s")
    one_clear_line(error)
    with pytest.raises(StoreError):
        Store("with\0null")


def filled(path, count=40):
    with Store(path) as store:
        for seed in range(count):
            store.save(f"key-{seed}", made(seed=seed))


@pytest.mark.parametrize("place", range(12))
def test_damage_is_told_or_harmless(tmp_path, place):
    """Overwrite a stretch of the file: reading gives one StoreError, or rows that are unharmed."""
    filled(tmp_path / "s")
    expected = [(r.seed, r.objective) for r in read_results(tmp_path / "s")]
    size = (tmp_path / "s").stat().st_size
    with open(tmp_path / "s", "r+b") as file:
        file.seek(size * place // 12)
        file.write(b"\xa5" * 700)
    try:
        Store(tmp_path / "s").close()
    except StoreError as error:
        message = str(error)
    else:
        message = ""
    assert "\n" not in message
    try:
        found = [(r.seed, r.objective) for r in read_results(tmp_path / "s")]
    except StoreError:
        return
    assert set(found) <= set(expected)


def test_truncated(tmp_path):
    filled(tmp_path / "s")
    with open(tmp_path / "s", "r+b") as file:
        file.truncate((tmp_path / "s").stat().st_size // 2 + 100)
    with pytest.raises(StoreError, match="damaged") as error:
        Store(tmp_path / "s")
    one_clear_line(error)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"type": "counterpoint-result"}', json.dumps({"instance": 3})]
)
def test_a_row_that_is_no_result(tmp_path, text):
    filled(tmp_path / "s", 2)
    with sqlite3.connect(tmp_path / "s") as connection:
        connection.execute("UPDATE results SET json = ? WHERE key = 'key-1'", (text,))
    connection.close()
    with pytest.raises(StoreError, match="damaged at case key-1") as error:
        read_results(tmp_path / "s")
    one_clear_line(error)


def test_disk_full(tmp_path):
    """SQLite's own limit on pages gives the very error of a full disk; what was saved stays."""
    with Store(tmp_path / "s") as store:
        store.save("first", made())
        store._connection.execute("PRAGMA max_page_count = 6")

        def fill():
            for seed in range(50):
                store.save(str(seed), made(seed=seed))

        with pytest.raises(StoreError, match="the disk is full") as error:
            fill()
        one_clear_line(error)
        assert store.load("first", SHOP).seed == 0
    assert read_results(tmp_path / "s")[0].seed == 0


def test_no_more_room_for_files(tmp_path):
    """A study whose files may not grow ends with one StoreError, and its store can be used again."""
    script = (
        "import resource, signal, sys; sys.path[:] = {path!r}; import bad_methods, test_store\n"
        "from counterpoint.opt.errors import StoreError\n"
        "from counterpoint.opt.studies.store import Store\n"
        "store = Store({store!r})\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60000, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    for seed in range(100): store.save(str(seed), test_store.made(seed=seed)); print(seed, flush=True)\n"
        "except StoreError as error: print(error)\n"
    ).format(path=sys.path, store=str(tmp_path / "s"))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=True)
    *acknowledged, message = done.stdout.splitlines()
    assert message.startswith(f"store {tmp_path / 's'} ")
    found = [r.seed for r in read_results(tmp_path / "s")]
    assert found[: len(acknowledged)] == [int(a) for a in acknowledged]
    assert len(acknowledged) > 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_folder(tmp_path):
    filled(tmp_path / "s", 2)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StoreError) as error:
            Store(tmp_path / "new")
        one_clear_line(error)
        assert len(read_results(tmp_path / "s")) == 2
    finally:
        tmp_path.chmod(0o700)


@pytest.fixture
def open_folder():
    """A folder that others may enter; pytest's own are shut to them, again by each session that begins."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_read_only_as_another_user(open_folder):
    """The same as root: the check runs in a process that gives its rights away."""
    filled(open_folder / "s", 2)
    (open_folder / "s.lock").unlink()
    open_folder.chmod(0o555)
    (open_folder / "s").chmod(0o444)
    script = (
        "import os, sys; sys.path[:] = {path!r}\n"
        "from counterpoint.opt.errors import StoreError\n"
        "from counterpoint.opt.studies.store import Store, read_results\n"
        "import counterpoint.opt.problems.job_shop_json\n"
        "os.seteuid(65534)\n"
        "print(len(read_results({store!r})))\n"
        "for name in ({store!r}, {new!r}):\n"
        "    try: Store(name); print('opened')\n"
        "    except StoreError as error: print(error)\n"
    ).format(path=sys.path, store=str(open_folder / "s"), new=str(open_folder / "new"))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
    lines = done.stdout.splitlines()
    assert lines[:1] == ["2"], done.stderr
    assert [line.startswith("cannot write store ") and "Permission denied" in line for line in lines[1:]] == [True] * 2


def test_a_study_over_a_store_that_fails_ends_clean(tmp_path, monkeypatch):
    cases = [Case(SHOP, bad_methods.method("quick"), s) for s in range(3)]

    def fail(self, key, result):
        raise StoreError("the disk is full")

    monkeypatch.setattr(Store, "save", fail)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(StoreError, match="the disk is full"):
        run_study(cases, store=tmp_path / "s")
    monkeypatch.undo()
    assert signal.getsignal(signal.SIGINT) is before
    assert [r.seed for r in run_study(cases, store=tmp_path / "s")] == [0, 1, 2]
