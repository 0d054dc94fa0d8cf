"""What the pages say works: the README's Python and commands, and every link."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_readmes_python_runs(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert blocks
    # the same calls, on small instances and short budgets
    code = "\n".join(blocks).replace("time_limit=10", "time_limit=0.5").replace("seeds=3", "seeds=1")
    code = re.sub(r"scenarios=\d+", "scenarios=3", code)
    for large, small in (
        ('"ta41"', '"ft06"'),
        ('"la21"', '"la01"'),
        ('"ta21"', '"la06"'),
        ("limit=60", "limit=2"),
    ):
        code = code.replace(large, small)
    (tmp_path / "ft10.txt").write_text("2 2\n0 3 1 2\n1 4 0 1\n")
    (tmp_path / "F1.DAT").write_text("1 2\n1\n50\n1 2 3 9\n20\n10\n")
    (tmp_path / "readme.py").write_text(code)
    done = subprocess.run([sys.executable, "readme.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "study.html").stat().st_size > 10_000


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_commands_in_the_readme_exist() -> None:
    from counterpoint.opt.cli.main import VERBS

    text = (ROOT / "README.md").read_text()
    assert set(re.findall(r"^counterpoint ([a-z]+)", text, re.MULTILINE)) <= {*VERBS}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`?make ([a-z-]+)", text)) <= targets
