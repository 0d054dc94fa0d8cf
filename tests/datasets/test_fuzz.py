"""Mutated files: every reader refuses what it can tell, with a line, quickly, and never with another error.

A mutation that is accepted either leaves the instance as it was (a lost comment, the last newline cut) or makes a
file that is valid by its own format; `ALLOWED` lists which mutations can do so, and why nothing in the file tells.
"""

import os
import random
import re
import time
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from counterpoint.datasets.generating import generate
from counterpoint.datasets.reading import read, write
from counterpoint.datasets.registry import benchmark
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.job_shop import JobShop

TAIL = "the cut falls inside the last number of the file: 96 becomes 9"
LARGE = "a duration that is large and still fits"
IDLE = "no machine is missing where an idle one is allowed: m may be larger"
SHIFT = "the first or the last machine is idle, so the shifted file is valid too"
BASE = "the only occurrence of machine m becomes 0: the file is a valid 0-based one"
ALLOWED = {
    "standard": {"truncated tail": TAIL, "absurd sizes": LARGE},
    "ragged": {"wrong header": IDLE, "absurd sizes": f"{IDLE}; {LARGE}"},
    "taillard": {"absurd sizes": LARGE},
    "dacol-teppan": {"absurd sizes": LARGE},
    "fjs": {"truncated tail": TAIL, "absurd sizes": LARGE, "machine out of range": BASE},
    "fjs-1": {"truncated tail": TAIL, "wrong header": IDLE, "absurd sizes": f"{IDLE}; {LARGE}"},
    "json": {},
    "json without hash": {
        "wrong header": IDLE, "absurd sizes": f"{IDLE}; {LARGE}", "wrong index base": SHIFT, "NaN": "-0 is 0 in JSON",
        "machine out of range": "one more than the largest that occurs, where another is idle",
    },
}  # fmt: skip
ARABIC = "\u0663"  # a digit to str.isdigit, not to us
KINDS = (
    "wrong header", "lost token", "extra token", "lost line", "negative time", "machine out of range", "empty file",
    "text for number", "truncated tail", "NaN", "absurd sizes", "wrong index base", "doubled line",
)  # fmt: skip
SUFFIX = {"json": ".json", "json without hash": ".json", "fjs": ".fjs", "fjs-1": ".fjs"}


def originals(kind: str) -> list[JobShop]:
    """Shops that the format can hold: tiny, public, re-entrant, with zero durations, with variants."""
    tiny = [generate("job-shop", jobs=j, machines=m, seed=j, duration_min=0, duration_max=9)
            for j, m in ((1, 4), (2, 2), (3, 1), (5, 3))]  # fmt: skip
    public = [benchmark("ft06"), benchmark("la01")]
    loose = [generate("job-shop", generator="re-entrant", jobs=j, machines=4, seed=s) for j, s in ((2, 3), (6, 4))]
    free = [generate("job-shop", generator="flexible", jobs=j, machines=m, seed=7) for j, m in ((2, 3), (6, 5))]
    variant = generate("job-shop", jobs=4, machines=3, blocking="swap", due_date_tightness=1.3, windows_per_machine=2)
    return {
        "standard": [*tiny, *public, *loose], "ragged": [*tiny, *loose], "taillard": [*tiny, *public],
        "dacol-teppan": [*tiny, *public, *loose], "fjs": [*free, *tiny, *loose], "fjs-1": [*free, *tiny],
        "json": [*tiny, *loose, *free, variant],
    }[kind.removesuffix(" without hash")]  # fmt: skip


# The readers as users call them: by content, and where only a name selects the reader, by name.
READERS = {"standard": None, "ragged": "ragged", "taillard": None, "dacol-teppan": None, "fjs": None,
           "fjs-1": "fjs-1", "json": None, "json without hash": None}  # fmt: skip


def roles(kind: str, text: str) -> list[tuple[int, int, str]]:
    """Return (start, end, role) of every number of a well-formed file; role header, machine, duration or other."""
    if kind.startswith("json"):
        spots = [(m.start(), m.end(), "other") for m in re.finditer(r"-?\d+", text)]
        pairs = re.search(r'"jobs": (.*)', text)
        assert pairs is not None
        inside = list(re.finditer(r"\d+", pairs.group()))
        named = {m.start() + pairs.start(): ("machine", "duration")[i % 2] for i, m in enumerate(inside)}
        count = re.search(r'"num_machines": (\d+)', text)
        assert count is not None
        named[count.start(1)] = "header"
        return [(a, b, named.get(a, role)) for a, b, role in spots]
    found = []
    numbered = [(n, line) for n, line in enumerate(re.finditer(r"[^\n]+", text)) if not line.group().startswith("#")]
    jobs = sum(1 for _ in numbered) // 2 - 1
    for order, (_, line) in enumerate(numbered):
        numbers = list(re.finditer(r"-?\d+(\.\d+)?", line.group()))
        if kind == "taillard":
            names = ["header" if order == 1 else "duration" if order < 3 + jobs - 1 else "machine"] * len(numbers)
            names = names[:2] + ["other"] * len(names[2:]) if order == 1 else names
        elif order == 0:
            names = ["header", "header", "other"][: len(numbers)]
        elif kind.startswith("fjs"):
            names, values, at = ["other"], [int(m.group()) for m in numbers], 1
            while at < len(values):
                names += ["other", *["machine", "duration"] * values[at]]
                at += 1 + 2 * values[at]
        else:
            names = [("machine", "duration")[i % 2] if m.group() != "-1" else "other" for i, m in enumerate(numbers)]
        found += [(line.start() + m.start(), line.start() + m.end(), r) for m, r in zip(numbers, names, strict=True)]
    return found


cached_roles = cache(roles)


def mutate(kind: str, mutation: str, text: str, rng: random.Random) -> str:
    """Apply one mutation to a well-formed file."""
    spots = cached_roles(kind, text)
    lines = text.splitlines(keepends=True)

    def pick(*wanted: str) -> tuple[int, int]:
        start, end, _ = rng.choice([s for s in spots if s[2] in wanted] or spots)
        return start, end

    def put(span: tuple[int, int], new: object) -> str:
        return f"{text[: span[0]]}{new}{text[span[1] :]}"

    if mutation == "wrong header":
        span = pick("header")
        old = int(text[slice(*span)])
        return put(span, rng.choice([x for x in (old - 1, old + 1, 2 * old, 0, old + 7, -old) if x != old]))
    if mutation == "lost token":
        token = rng.choice(list(re.finditer(r"[^\s\[\],{}]+" if kind.startswith("json") else r"\S+", text)))
        return put(token.span(), "")
    if mutation == "extra token":
        at = pick("header", "machine", "duration", "other")[0]
        return put((at, at), f"{rng.randint(0, 9)}{', ' if kind == 'json' and rng.random() < 0.5 else ' '}")
    if mutation == "lost line":
        del lines[rng.randrange(len(lines))]
        return "".join(lines)
    if mutation == "negative time":
        return put(pick("duration"), -rng.randint(1, 99))
    if mutation == "machine out of range":
        span = pick("machine")
        largest = max(int(text[a:b]) for a, b, role in spots if role == "machine")
        return put(span, rng.choice([largest + rng.randint(1, 9), -rng.randint(1, 3), 0 if kind == "fjs" else 10**6]))
    if mutation == "empty file":
        return rng.choice(["", "\n", " \n\t\n", "# nothing\n", "\ufeff"])
    if mutation == "text for number":
        return put(
            pick("header", "machine", "duration", "other"), rng.choice(["x", "one", "O", "l2", "--", "1,0", ARABIC])
        )
    if mutation == "truncated tail":
        return text[: rng.randrange(len(text))]
    if mutation == "NaN":
        bad = ["NaN", "nan", "inf", "-Infinity", "1e3", "1.5", "1_000", "+3", "0x1F", "-0", "null", ARABIC]
        return put(pick("header", "machine", "duration"), rng.choice(bad))
    if mutation == "absurd sizes":
        return put(pick("header", "machine", "duration"), 10 ** rng.randint(9, 40))
    if mutation == "wrong index base":
        step = rng.choice([-1, 1])
        for start, end, role in reversed(spots):
            if role == "machine":
                text = f"{text[:start]}{int(text[start:end]) + step}{text[end:]}"
        return text
    at = rng.randrange(len(lines))
    return "".join([*lines[: at + 1], lines[at] if lines[at].endswith("\n") else "\n" + lines[at], *lines[at + 1 :]])


def fuzz(kind: str, count: int, folder: Path) -> tuple[Counter[str], list[tuple[str, str, str]]]:
    """Mutate `count` times; return the tally and every silent change (mutation, original, mutated)."""
    rng = random.Random(f"{kind} {count}")
    shops, tally, silent = originals(kind), Counter[str](), []
    texts = []
    for shop in shops:
        write(shop, folder / "original", format=kind.removesuffix(" without hash"))
        text = (folder / "original").read_text()
        if kind == "json without hash":
            text = re.sub(r',\n  "content_hash": "\w+"', "", text)
        texts.append((shop, text))
        texts.append(
            (shop, f"# made for a test\n#\n\n{text}" if not kind.startswith("json") else text.replace(", ", ",\n"))
        )
        if kind == "fjs":
            texts.append((shop, re.sub(r"^(\d+ \d+) \S+", r"\1", text)))
    file = folder / f"mutated{SUFFIX.get(kind, '.txt')}"
    for i in range(count):
        shop, text = rng.choice(texts)
        mutation = KINDS[i % len(KINDS)]
        mutated = mutate(kind, mutation, text, rng)
        file.unlink(missing_ok=True)  # a fresh file costs a hundredth of truncating an old one
        file.write_text(mutated, encoding="utf-8")
        began = time.process_time()
        try:
            got = read(file, format=READERS[kind])
        except InstanceError as error:
            tally["refused"] += 1
            tally["no line"] += not (error.line and 1 <= error.line <= mutated.count("\n") + 1)
            tally["no file"] += error.file != str(file)
        except Exception as error:
            tally[f"{type(error).__name__}: {error}"] += 1
        else:
            same = got.content_hash == shop.content_hash
            tally["accepted, same instance" if same else "accepted, other instance"] += 1
            if not same:
                silent.append((mutation, text, mutated))
        tally["slower than 1 s"] += time.process_time() - began > 1
    return tally, silent


def assert_strict(kind: str, count: int, folder: Path) -> None:
    tally, silent = fuzz(kind, count, folder)
    kinds = Counter(mutation for mutation, _, _ in silent)
    if report := os.environ.get("COUNTERPOINT_FUZZ_REPORT"):
        with Path(report).open("a") as out:
            print(kind, count, dict(+tally), "silent:", dict(kinds), file=out)
            for mutation, text, mutated in silent[:: max(1, len(silent) // 12)]:
                print("  ", mutation, repr(text)[:300], "->", repr(mutated)[:300], file=out)
    assert set(+tally) <= {"refused", "accepted, same instance", "accepted, other instance"}, tally
    assert set(kinds) <= set(ALLOWED[kind]), [s for s in silent if s[0] not in ALLOWED[kind]][:3]
    for mutation, text, mutated in silent:
        if mutation == "truncated tail":
            assert text.startswith(mutated)
            assert text[len(mutated) :].strip().isdigit()  # only digits of the last number are gone


@pytest.mark.parametrize("kind", READERS)
def test_two_thousand_mutations(kind, tmp_path):
    assert_strict(kind, 2_000, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", READERS)
def test_twenty_thousand_mutations(kind, tmp_path):
    assert_strict(kind, 20_000, tmp_path)


@pytest.mark.parametrize("kind", READERS)
def test_random_bytes_are_refused_or_read_but_never_crash(kind, tmp_path):
    rng = random.Random(kind)
    file = tmp_path / f"bytes{SUFFIX.get(kind, '.txt')}"
    for shop in originals(kind):
        write(shop, file, format=kind.removesuffix(" without hash"))
        raw = bytearray(file.read_bytes())
        for _ in range(100):
            dirty = bytearray(raw)
            for _ in range(rng.randint(1, 4)):
                dirty[rng.randrange(len(dirty))] = rng.randrange(256)
            file.unlink()
            file.write_bytes(dirty)
            try:
                read(file, format=READERS[kind])
            except InstanceError as error:
                assert (error.line or 0) >= 1 and str(error).isprintable()  # noqa: PT017, PT018
