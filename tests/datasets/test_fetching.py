"""Fetching from a server on this machine; no test reaches beyond it."""

import hashlib
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from counterpoint.datasets import fetching
from counterpoint.datasets.figures import figure_rows
from counterpoint.datasets.registry import benchmark, best_known
from counterpoint.opt.errors import CounterpointError, InstanceError, UnknownNameError

MK = "2 2 1.5\n2 2 1 3 2 4 1 2 2\n1 1 1 4\n"


class Quiet(SimpleHTTPRequestHandler):
    requests: list[str] = []  # noqa: RUF012

    def do_GET(self):
        self.requests.append(self.path)
        super().do_GET()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server that holds mk01, and a table that points at it; the cache is a fresh folder."""
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "Mk01.fjs").write_text(MK)
    (pages / "e_la01.fjs").write_text(MK)
    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(pages)))
    threading.Thread(target=http.serve_forever, daemon=True).start()
    sha256 = hashlib.sha256(MK.encode()).hexdigest()
    base = f"http://127.0.0.1:{http.server_port}"
    rows = (("mk01", f"{base}/Mk01.fjs", sha256), ("la01-edata", f"{base}/e_la01.fjs", sha256))
    monkeypatch.setattr(fetching, "_table", lambda: rows)
    monkeypatch.setenv("COUNTERPOINT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Quiet.requests.clear()
    yield pages
    http.shutdown()
    http.server_close()


def test_fetch_once_then_read_from_disk(server, tmp_path):
    with pytest.raises(InstanceError, match="mk01 is public but not shipped; run: counterpoint fetch fjsp"):
        benchmark("mk01")
    seen = []
    files = fetching.fetch("fjsp", on_file=lambda *what: seen.append(what))
    assert files == [tmp_path / "data/job_shop/fjs" / name for name in ("Mk01.fjs", "e_la01.fjs")]
    assert seen == [("mk01", 0, 2), ("la01-edata", 1, 2)]
    assert files[0].read_text() == MK
    assert fetching.fetch("fjsp") == files
    assert Quiet.requests == ["/Mk01.fjs", "/e_la01.fjs"]  # nothing was fetched twice
    shop = benchmark("mk01")
    assert (shop.name, shop.num_operations, shop.is_flexible) == ("mk01", 3, True)


@pytest.mark.parametrize(("name", "count"), [("brandimarte", 1), ("hurink", 1), ("mk01", 1), ("la01-edata", 1)])
def test_parts_of_the_set(server, name, count):
    assert len(fetching.fetch(name)) == count


def test_the_cache_folder_is_used_without_counterpoint_data(server, tmp_path, monkeypatch):
    monkeypatch.delenv("COUNTERPOINT_DATA")
    [file] = fetching.fetch("mk01")
    assert file.is_relative_to(tmp_path / "cache")
    monkeypatch.setenv("COUNTERPOINT_DATA", str(tmp_path / "elsewhere"))
    assert fetching.fetch("mk01") == [file]  # found in the cache although another folder comes first


def test_a_changed_download_is_refused_and_not_kept(server, tmp_path):
    (server / "Mk01.fjs").write_text(MK.replace("4", "5"))
    with pytest.raises(CounterpointError, match=r"could not fetch mk01 from http.*hash"):
        fetching.fetch("mk01")
    assert list((tmp_path / "data").rglob("*.fjs")) == []


def test_a_changed_file_on_disk_is_not_taken_for_the_public_one(server):
    [file] = fetching.fetch("mk01")
    file.write_text(MK.replace("4", "5"))
    with pytest.raises(InstanceError, match="not the public mk01: its checksum differs"):
        benchmark("mk01")


def test_a_missing_page_or_no_network_is_one_clear_error(server, monkeypatch):
    (server / "Mk01.fjs").unlink()
    with pytest.raises(CounterpointError, match=r"could not fetch mk01 .*404.*check the network, or put the file into"):
        fetching.fetch("mk01")
    rows = (("mk01", "http://127.0.0.1:9/Mk01.fjs", "0" * 64),)
    monkeypatch.setattr(fetching, "_table", lambda: rows)
    with pytest.raises(CounterpointError, match="could not fetch mk01"):
        fetching.fetch("mk01")


def test_unknown_names(server):
    with pytest.raises(UnknownNameError, match="set to fetch named 'fjs'; did you mean fjsp"):
        fetching.fetch("fjs")


def test_the_table_is_well_formed():
    rows = figure_rows("job_shop_fetched.csv")
    assert len(rows) == 25
    for name, url, sha256 in rows:
        assert url.startswith("https://raw.githubusercontent.com/songwenas12/fjsp-drl/")
        assert len(sha256) == 64
        assert name == name.lower()


def test_the_real_files_are_the_ones_of_the_table(fjs_folder, tmp_path, monkeypatch):
    target = tmp_path / "job_shop" / "fjs"
    shutil.copytree(fjs_folder, target)
    monkeypatch.setenv("COUNTERPOINT_DATA", str(tmp_path))
    upper = {"mk01": 40, "mk02": 26, "mk03": 204, "mk04": 60, "mk05": 172, "mk06": 57, "mk07": 139, "mk08": 523,
             "mk09": 307, "mk10": 193, "la01-edata": 609, "la01-rdata": 570, "la01-vdata": 570, "la03-edata": 550,
             "la03-rdata": 477, "la03-vdata": 477}  # fmt: skip
    for name, _, _ in figure_rows("job_shop_fetched.csv"):
        known = best_known(benchmark(name))
        assert known is not None
        assert known.name == name
        assert known.upper_bound == upper.get(name, known.upper_bound)
