"""Maps the top-level folders into the package `counterpoint`, with or without the links in src/."""

from pathlib import Path

from setuptools import find_packages, setup

FOLDERS = ("opt", "solvers", "models", "simulators", "datasets")
linked = all(Path("src/counterpoint", folder).is_dir() for folder in FOLDERS)
if linked:
    package_dir = {"": "src"}
    packages = find_packages("src")
else:  # zip downloads and Windows checkouts hold small text files instead of links
    package_dir = {"counterpoint": "src/counterpoint", **{f"counterpoint.{f}": f for f in FOLDERS}}
    packages = [
        "counterpoint",
        *(f"counterpoint.{p}" for f in FOLDERS for p in (f, *(f"{f}.{s}" for s in find_packages(f)))),
    ]
setup(package_dir=package_dir, packages=packages)
