"""Reports and Jupyter snippets: their figures are right, and hostile text stays text."""

import base64
import dataclasses
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest

from counterpoint.opt.errors import printable
from counterpoint.opt.evaluation.compare import Comparison
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.reports import figures
from counterpoint.opt.reports.command import caveats, command_line, python_lines
from counterpoint.opt.reports.html import MAX_SOLUTIONS, report_text, write_report
from counterpoint.opt.reports.snippets import facts_html, number, percent
from counterpoint.opt.result import Termination, TracePoint

PAYLOADS = (
    "<script>alert(1)</script>",
    "</title><script>alert(2)</script>",
    '"><img src=x onerror=alert(3)>',
    "' onmouseover='alert(4)",
    '" onfocus="alert(5)" autofocus="',
    "<svg onload=alert(6)>",
    "<svg><script>alert(7)</script></svg>",
    "<iframe src='javascript:alert(8)'></iframe>",
    "<a href='javascript:alert(9)'>x</a>",
    "<body onload=alert(10)>",
    "<style>@import 'http://127.0.0.1/x.css';</style>",
    "</style><script>alert(12)</script>",
    "<!--<script>alert(13)</script>-->",
    "--><script>alert(14)</script><!--",
    "<![CDATA[<script>alert(15)</script>]]>",
    "{{ 7*7 }}{% raw %}<script>alert(16)</script>",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "${alert(18)}",
    "$\\href{javascript:alert(19)}{x}$",
    "<math><mi xlink:href='data:x,<script>alert(20)</script>'>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(21)'>",
    "<base href='http://127.0.0.1/'>",
    "<form action=javascript:alert(23)><input type=submit autofocus>",
    "\u202e<scr\x00ipt>alert(24)</scr\x00ipt>\x1b[31m",
    "<ScRiPt/src=data:,alert(25)>",
)
SHOP = JobShop.from_jobs("tiny", [[(0, 3), (1, 2)], [(1, 4), (0, 1)]])
GOOD = Schedule.from_starts(SHOP, [0, 4, 0, 4])
ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "ul", "li", "div", "table", "thead", "tbody",
    "tr", "th", "td", "br", "small", "strong", "figure", "figcaption", "img", "pre", "caption",
}  # fmt: skip


class Audit(HTMLParser):
    """Collects all that a document could run or fetch."""

    def __init__(self):
        super().__init__()
        self.wrong, self.tags, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in ALLOWED:
            self.wrong.append(tag)
        for key, value in attrs:
            value = (value or "").strip().lower()
            if key.startswith("on") or key in ("href", "action", "srcdoc", "formaction", "xlink:href"):
                self.wrong.append((tag, key))
            if key == "src" and not value.startswith(("data:image/svg+xml;base64,", "data:image/png;base64,")):
                self.wrong.append((tag, key, value[:40]))
            if "javascript:" in value and key not in ("alt", "title"):
                self.wrong.append((tag, key, value[:40]))
            if tag == "meta" and value == "refresh":
                self.wrong.append((tag, key))

    def handle_data(self, data):
        self.text.append(data)


def audit(html):
    parser = Audit()
    parser.feed(html)
    parser.close()
    assert parser.wrong == []
    assert parser.tags.count("title") <= 1
    return parser


def hostile_comparison(make, text):
    shop = dataclasses.replace(SHOP, name=text)
    runs = [
        make.result(shop, text, 6.0, solution=GOOD, message=text, solver=text, trace=trace(), options={text: text}),
        make.result(shop, "beta", None, message=text, termination=Termination.ERROR, solver=text),
        make.result(shop, "gamma", 7.0, message=text, wall_s=99.0),
    ]
    skipped = [type("Skipped", (), {"method": text, "instance": shop, "reason": text})()]
    return Comparison.from_results(runs, skipped=skipped, machine_facts={text: text})


def test_rendered_figures_hold_no_script_either(make):
    everything = " ".join(PAYLOADS)
    html = report_text(hostile_comparison(make, everything))
    audit(html)
    images = re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", html)
    assert len(images) == 5
    for image in images:
        svg = base64.b64decode(image).decode()
        tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(svg).iter()}
        assert not tags & {"script", "a", "foreignObject", "image", "iframe", "set", "animate"}


def trace():
    return (TracePoint(0.1, 9.0, 2.0), TracePoint(1.0, 6.0, 5.0))


@pytest.fixture
def quick(monkeypatch):
    """Draw, but do not render: an image's bytes are base64 and cannot leave their attribute."""
    monkeypatch.setattr(figures, "render", lambda figure, kind: b"<svg/>")


@pytest.mark.parametrize("text", PAYLOADS)
def test_nothing_in_a_report_runs(make, text, quick):
    comparison = hostile_comparison(make, text)
    found = audit(report_text(comparison, title=text, notes=f"{text}\n{text}"))
    shown = " ".join(found.text)
    assert printable(text) in shown  # as text, whole: neither run nor filled in


@pytest.mark.parametrize("text", PAYLOADS)
def test_nothing_in_a_snippet_runs(make, text, quick):
    comparison = hostile_comparison(make, text)
    for html in (
        comparison._repr_html_(),
        comparison.results[0]._repr_html_(),
        comparison.results[1]._repr_html_(),
        comparison.results[0].instance._repr_html_(),
        facts_html(text, {text: text}),
    ):
        found = audit(html)
        assert "style" not in found.tags
    assert printable(text) in "".join(audit(facts_html(text, {text: text})).text)


def test_the_policy_forbids_scripts_and_the_network(make, quick):
    html = report_text(hostile_comparison(make, "x"))
    head = html[: html.index("</head>")]
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'" in head
    assert head.index("Content-Security-Policy") < head.index("<title>")
    assert "http://" not in html
    assert "https://" not in html


@pytest.fixture(scope="session")
def chromium():
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no chromium here: the browser's own verdict is not asked")
    return path


def browse(chromium, tmp_path, page):
    """Load a page headless; return its final DOM and what the console said."""
    command = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr",
        f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=2000", "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return done.stdout, done.stderr


@pytest.mark.slow
def test_a_browser_opens_no_dialog(make, chromium, tmp_path):
    """All payloads at once, with alert replaced by a mark in the document: the control page gets it, ours do not."""
    mark = "<script>window.alert = () => { document.documentElement.setAttribute('data-ran', 'yes') }</script>"
    control = tmp_path / "control.html"
    control.write_text(f"<!DOCTYPE html>{mark}<body>{PAYLOADS[0]}</body>")
    dom, _ = browse(chromium, tmp_path, control)
    assert 'data-ran="yes"' in dom  # the test would notice
    everything = " ".join(p.replace("\x00", "") for p in PAYLOADS)
    comparison = hostile_comparison(make, everything)
    snippets = (
        comparison._repr_html_() + comparison.results[0]._repr_html_() + comparison.results[0].instance._repr_html_()
    )
    # without its policy the report must be safe too: the marker script has to run
    policy = '<meta http-equiv="Content-Security-Policy"'
    report = report_text(comparison, title=everything, notes=everything).replace(policy, '<meta name="was-policy"')
    for name, html in (
        ("snippets", f"<!DOCTYPE html>{mark}{snippets}"),
        ("report", report.replace("<head>", f"<head>{mark}")),
    ):
        page = tmp_path / f"{name}.html"
        page.write_text(html, encoding="utf-8")
        dom, _ = browse(chromium, tmp_path, page)
        assert "data-ran" not in dom.replace(mark, "").split("<body")[0]
        assert "Comparison" in dom or "tiny" in dom or "beta" in dom
    real = tmp_path / "real.html"
    write_report(comparison, real, title=everything, notes=everything)
    dom, log = browse(chromium, tmp_path, real)
    assert "Content Security Policy" not in log  # nothing even tried


class TestContents:
    @pytest.fixture
    def runs(self, make):
        shop = dataclasses.replace(SHOP, name="tiny shop")
        good = {"solution": GOOD, "trace": trace()}
        return [
            make.result(shop, "alpha", 6.0, bound=6.0, **good),
            make.result(shop, "beta", 9.0, **good),
            make.result("other", "alpha", 50.0),
            make.result("other", "beta", None, termination=Termination.KILLED, message="out of patience"),
        ]

    def test_what_a_report_says(self, runs, tmp_path):
        path = tmp_path / "new" / "r.html"
        write_report(Comparison.from_results(runs), path, title="My <study>", notes="first\nsecond")
        found = audit(path.read_text(encoding="utf-8"))
        text = " ".join(" ".join(found.text).split())
        for part in (
            "My <study>", "first", "second", "2 instances, 2 methods, 4 runs: 3 hold a verified solution",
            "only 2 instances: confidence intervals say little", "proven bound", "best of compared", "50.00 %",
            "1 of 1 failed", "out of patience", "killed", "counterpoint compare", "ct.compare", "numpy",
            "tiny shop: 6 by alpha, seed 0", "tiny shop: objective over time",
            "or a refuted claim): beta 1",
        ):  # fmt: skip
            assert part in text, part
        assert found.tags.count("img") == 5  # gaps, times, profile, one trace, one Gantt chart

    def test_solutions_are_capped_and_said_to_be(self, make, quick):
        runs = [
            make.result(dataclasses.replace(SHOP, name=f"s{k}"), "alpha", 6.0, solution=GOOD)
            for k in range(MAX_SOLUTIONS + 3)
        ]
        text = report_text(Comparison.from_results(runs))
        assert f"The first {MAX_SOLUTIONS} of {MAX_SOLUTIONS + 3} instances." in text

    def test_the_same_runs_give_the_same_bytes(self, runs):
        first, again = (report_text(Comparison.from_results(runs)) for _ in range(2))
        assert first == again

    def test_an_empty_comparison_has_a_report(self):
        assert "No runs." in report_text(Comparison.from_results([]))

    def test_a_result_as_html(self, runs):
        text = " ".join(audit(runs[0]._repr_html_()).text)
        for part in ("alpha on tiny shop", "objective", "feasible (checked independently)", "10.00 s wall of 10 s"):
            assert part in text
        assert "<img" in runs[0]._repr_html_()
        assert "<img" not in runs[2]._repr_html_()

    def test_a_repr_never_raises_for_a_picture(self, runs):
        broken = dataclasses.replace(runs[0], solution=object())
        assert "alpha on tiny shop" in broken._repr_html_()

    def test_figures(self):
        assert (number(None), number(6.0), number(1 / 3), number(float("nan"))) == ("-", "6", "0.333333", "-")
        assert (percent(0.1234), percent(float("inf")), percent(None)) == ("12.34", "∞", "-")


class TestCommand:
    def test_names_stay_one_word(self, make):
        import shlex

        runs = [make.result(name, "spt", 1.0) for name in ("a b", "x; rm -rf /", "$(id)", "--out", "it's")]
        words = shlex.split(command_line(runs))
        assert words[:2] == ["counterpoint", "compare"]
        assert words[words.index("--") + 1 :] == ["a b", "x; rm -rf /", "$(id)", "--out", "it's"]
        assert words[2:8] == ["--method", "spt", "--seeds", "1", "--time-limit", "10"]

    def test_what_the_lines_cannot_say_is_said(self, make):
        assert caveats([make.result("a", "spt", 1.0, seed=s) for s in (0, 1)]) == []
        runs = [
            make.result("a", "spt", 1.0, seed=5, time_limit_s=1.0),
            make.result("b", "spt", 1.0, seed=5, target=55.0),
        ]
        seeds, limits, further = caveats(runs)
        assert "other seeds" in seeds
        assert "(1 s, 10 s)" in limits
        assert "different limits on target" in further
        assert seeds in report_text(Comparison.from_results(runs))

    def test_limits_in_common_are_repeated(self, make):
        runs = [make.result(name, "spt", 1.0, target=55.0, iteration_limit=100, gap_limit=0.01) for name in "ab"]
        assert "--iterations 100 --target 55 --gap 0.01" in command_line(runs)
        assert "iterations=100, target=55, gap=0.01" in python_lines(runs)
        assert caveats(runs) == []

    def test_the_python_is_python(self, make):
        import ast

        runs = [make.result('a"\n]) or exec("x")', "spt", 1.0, seed=s, threads=4) for s in (0, 2)]
        tree = ast.parse(python_lines(runs))
        names = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]
        assert 'a"\n]) or exec("x")' in names
        assert "seeds=[0, 2]" in python_lines(runs)
        assert not any(isinstance(n, ast.Call) and getattr(n.func, "id", "") == "exec" for n in ast.walk(tree))
