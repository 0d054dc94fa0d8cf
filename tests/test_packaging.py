"""The editable install, the wheel and the sdist all hold the whole package, and nothing else."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("opt", "solvers", "models", "simulators", "datasets")
DATA = (".csv", ".txt", ".json", ".npz", ".html", ".safetensors")


def run(*command: str | Path, **options) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def modules() -> set[str]:
    """Every source and data file that must be installed, as a path inside the package."""
    found = {"counterpoint/__init__.py", "counterpoint/py.typed"}
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", *DATA) and "__pycache__" not in path.parts:
                found.add(f"counterpoint/{path.relative_to(ROOT).as_posix()}")
    return found


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tracked files, so that build leftovers of the checkout can neither help nor hurt."""
    tmp = tmp_path_factory.mktemp("build")
    names = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")[:-1]
    copy = tmp / "checkout"
    for name in names:
        source, target = ROOT / name, copy / name
        if not source.is_symlink() and not source.exists():
            continue  # deleted in the working tree
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            target.symlink_to(source.readlink())
        else:
            target.write_bytes(source.read_bytes())
    return copy


@pytest.fixture(scope="module")
def built(checkout: Path) -> tuple[Path, Path]:
    """An sdist, and the wheel built from that sdist."""
    dist = checkout.parent / "dist"
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, checkout)
    (sdist,) = dist.glob("*.tar.gz")
    (wheel,) = dist.glob("*.whl")
    return sdist, wheel


def test_an_editable_install_is_the_checkout_and_nothing_else(checkout: Path, tmp_path: Path) -> None:
    """What `pip install -e .` does: PEP 660's wheel, which holds a path and no module."""
    code = "import sys; from setuptools.build_meta import build_editable; build_editable(sys.argv[1])"
    run(sys.executable, "-c", code, tmp_path, cwd=checkout)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, wheel)
    assert not any((site / name).exists() for name in ("counterpoint", *FOLDERS))
    code = (
        "import importlib, importlib.util, site, sys\n"
        "site.addsitedir(sys.argv[1])\n"
        f"for folder in {FOLDERS}:\n"
        "    print(importlib.import_module('counterpoint.' + folder).__file__)\n"
        "    assert importlib.util.find_spec(folder) is None, folder\n"
    )
    # -S: without the tests' own editable install; these modules need the standard library alone
    found = run(sys.executable, "-I", "-S", "-c", code, site, cwd=tmp_path).split()
    assert len(found) == len(FOLDERS)
    assert all(Path(file).resolve().is_relative_to(checkout.resolve()) for file in found)


def test_no_link_dangles() -> None:
    for folder in FOLDERS:
        link = ROOT / "src" / "counterpoint" / folder
        assert link.is_symlink()
        assert not link.readlink().is_absolute()
        assert link.resolve() == ROOT / folder


def test_wheel_from_sdist_lists_every_module(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        names = set(wheel.namelist())
    assert modules() - names == set()
    tops = {name.split("/")[0] for name in names}
    assert all(top == "counterpoint" or top.endswith(".dist-info") for top in tops), tops


def test_sdist_holds_sources_and_notices(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames() if "/" in name}
    assert {f"src/{name}" for name in modules()} <= names
    assert {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "setup.py"} <= names


def test_installed_wheel_imports_and_leaves_datasets_alone(built: tuple[Path, Path], tmp_path: Path) -> None:
    site = tmp_path / "site"
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, built[1])
    tops = {p.name for p in site.iterdir()} - {"bin"}
    assert {t for t in tops if not t.endswith(".dist-info")} == {"counterpoint"}
    # somebody else's top-level package called `datasets`, as Hugging Face has one
    (site / "datasets").mkdir()
    (site / "datasets" / "__init__.py").write_text("OWNER = 'somebody else'\n")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import counterpoint, datasets, counterpoint.datasets.registry as ours\n"
        "assert datasets.OWNER == 'somebody else'\n"
        "assert counterpoint.__file__.startswith(sys.argv[1]), counterpoint.__file__\n"
        "assert ours.__file__.startswith(sys.argv[1])\n"
        "print(counterpoint.solve(counterpoint.benchmark('ft06'), 'spt').objective)\n"
    )
    # -I keeps the checkout's own paths out; -S would lose the dependencies
    out = run(sys.executable, "-I", "-c", code, site, cwd=tmp_path)
    assert float(out) > 55


def test_without_links_the_mapping_finds_the_same_packages(tmp_path: Path) -> None:
    """A zip download or a Windows checkout has small text files where the links were."""
    copy = tmp_path / "checkout"
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            if "__pycache__" not in path.parts:
                target = copy / path.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
        (copy / "src" / "counterpoint").mkdir(parents=True, exist_ok=True)
        (copy / "src" / "counterpoint" / folder).write_text(f"../../{folder}")
    (copy / "src/counterpoint/__init__.py").write_bytes((ROOT / "src/counterpoint/__init__.py").read_bytes())
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        (copy / name).write_bytes((ROOT / name).read_bytes())
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path / "dist", copy)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {m for m in modules() if m.endswith(".py")} <= names
    # and straight from the checkout, without any install
    code = "import sys; sys.path.insert(0, 'src'); import counterpoint.opt.budget as b; print(b.__file__)"
    assert "checkout/opt/budget.py" in run(sys.executable, "-I", "-c", code, cwd=copy)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_imported_under_its_bare_name_refuses(folder: str) -> None:
    """Otherwise there would be two copies of every class, and isinstance would lie."""
    done = subprocess.run([sys.executable, "-c", f"import {folder}"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"import counterpoint.{folder}" in done.stderr


def test_mypy_sees_through_the_public_face(tmp_path: Path) -> None:
    script = tmp_path / "user.py"
    script.write_text(
        "import counterpoint as ct\n"
        "shop = ct.JobShop.from_jobs('x', [[(0, 1)]])\n"
        "result = ct.solve(shop, 'spt')\n"
        "reveal_type(result)\n"
        "ct.solve(shop, time_limit='ten')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file=", "--follow-imports=silent", "--ignore-missing-imports", script],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"MYPYPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"},
    )
    assert 'Revealed type is "counterpoint.opt.result.Result"' in done.stdout, done.stdout + done.stderr
    assert "arg-type" in done.stdout
