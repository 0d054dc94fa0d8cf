"""Who may import whom, what must stay light, and what must never appear in the tree."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {  # DESIGN: the house
    "opt": {"opt"},
    "datasets": {"datasets", "opt"},
    "simulators": {"simulators", "opt"},
    "solvers": {"solvers", "opt", "simulators"},
    "models": {"models", "opt", "datasets", "simulators", "solvers"},
}
HEAVY = ("torch", "ortools", "pyomo", "pandas", "highspy", "torch_geometric", "matplotlib", "ray", "numba", "scipy")


def sources(*folders: str) -> list[Path]:
    return [p for folder in folders for p in sorted((ROOT / folder).rglob("*.py"))]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_folders_import_only_what_they_may(folder: str) -> None:
    for path in sources(folder):
        for name in imports(path):
            if name.startswith("counterpoint."):
                assert name.split(".")[1] in MAY_IMPORT[folder], f"{path.relative_to(ROOT)} imports {name}"
            # `import counterpoint` from inside would make the public face part of its own parts;
            # only the version number is taken from it, and inside functions
            assert name != "counterpoint" or "cli" in path.parts or "evaluation" in path.parts, path


@pytest.mark.parametrize("path", sources("opt/problems"), ids=lambda p: p.name)
def test_checkers_know_no_solver(path: Path) -> None:
    allowed = {"numpy", "numpy.typing"} | set(sys.stdlib_module_names)
    for name in imports(path):
        if not name.startswith("counterpoint.opt"):
            assert name.split(".")[0] in {a.split(".")[0] for a in allowed}, f"{path}: {name}"


def test_nothing_unpickles_or_evaluates() -> None:
    """Files and names are untrusted: nothing in the tree may run what they hold."""
    banned_calls = {"eval", "exec"}
    banned_attributes = {
        ("pickle", "load"), ("pickle", "loads"), ("yaml", "load"), ("marshal", "loads"), ("marshal", "load"),
        ("dill", "load"), ("dill", "loads"), ("joblib", "load"), ("shelve", "open"), ("pandas", "read_pickle"),
        ("pd", "read_pickle"),
    }  # fmt: skip
    for path in sources("opt", "solvers", "models", "simulators", "datasets", "benchmarks", "src/counterpoint"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
                assert not {"pickle", "marshal", "shelve", "dill", "yaml"} & {n.split(".")[0] for n in names}, path
            if isinstance(node, ast.Call):
                function = node.func
                if isinstance(function, ast.Name):
                    assert function.id not in banned_calls, f"{path}:{node.lineno}"
                if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
                    assert (function.value.id, function.attr) not in banned_attributes, f"{path}:{node.lineno}"
                for keyword in node.keywords:
                    value = getattr(keyword.value, "value", None)
                    assert not (keyword.arg == "allow_pickle" and value is not False), f"{path}:{node.lineno}"
                    assert not (keyword.arg == "weights_only" and value is False), f"{path}:{node.lineno}"


def fresh(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


CPU = "import resource; r = resource.getrusage(resource.RUSAGE_SELF); print(r.ru_utime + r.ru_stime)"


def best_of(times: int, code: str) -> float:
    """Least CPU seconds of several fresh runs, less those of a bare interpreter's start."""
    bare = min(float(fresh(CPU)) for _ in range(times))
    return min(float(fresh(f"{code}\n{CPU}").splitlines()[-1]) for _ in range(times)) - bare


def test_import_is_light() -> None:
    loaded = json.loads(fresh("import counterpoint, sys, json; print(json.dumps(sorted(sys.modules)))"))
    assert not {name.split(".")[0] for name in loaded} & set(HEAVY)
    assert best_of(3, "import counterpoint") <= 0.3  # CPU seconds: the figure, measured 0.01


def test_help_and_method_lists_are_light() -> None:
    code = (
        "import sys; sys.argv = ['counterpoint', '--help']\n"
        "import contextlib, io\n"
        "from counterpoint.opt.cli.main import app\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): app()\n"
    )
    shown = "import json; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(fresh(code + shown).splitlines()[-1])
    assert not {name.split(".")[0] for name in loaded} & set(HEAVY)
    assert best_of(3, code) <= 0.5
    listing = "import counterpoint as ct, sys, json\nct.methods('job-shop')\nprint(json.dumps(sorted(sys.modules)))"
    assert not {name.split(".")[0] for name in json.loads(fresh(listing))} & set(HEAVY)


STAGE_SOLVERS = (
    "ac", "ac_program", "ac_rows", "clarabel", "dual_simplex", "highs", "highs_kernels", "highs_library",
    "highs_python", "tangents",
)  # fmt: skip


def test_learning_folders_work_without_solvers() -> None:
    """Training machines have no ortools, pyomo or highspy; the back ends of stage problems are imported when used."""
    backends = [f"counterpoint.simulators.stage.{name}" for name in STAGE_SOLVERS]
    code = (
        "import sys\n"
        "for name in ('ortools', 'pyomo', 'highspy', 'casadi', 'clarabel'): sys.modules[name] = None\n"
        "import importlib, pkgutil, counterpoint.models, counterpoint.simulators\n"
        "for package in (counterpoint.models, counterpoint.simulators):\n"
        "    for m in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        f"        m.name in {backends} or importlib.import_module(m.name)\n"
        "print('ok')"
    )
    assert fresh(code).strip() == "ok"


def test_every_public_name_exists() -> None:
    names = json.loads(
        fresh("import counterpoint as ct, json; [getattr(ct, n) for n in ct.__all__]; print(json.dumps(ct.__all__))")
    )
    assert len(names) == len(set(names)) > 20


def test_every_method_can_be_loaded() -> None:
    from counterpoint.opt.problems.table import resolve
    from counterpoint.opt.registry import methods

    for method in methods():
        assert callable(method.load()), method.name
        if method.options:
            resolve(method.options)(**method.preset)
