"""Files of keywords and sections, as TSPLIB95 defined them (Reinelt 1995, TSPLIB 95, Heidelberg).

A specification is ``KEYWORD : value``; a section is a line with its name and then lines of numbers, up to the next
line that begins with a letter. Every name may come once (``COMMENT`` again and again) and must be known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from counterpoint.datasets.routing.numbers import EXACT, single, table, whole
from counterpoint.datasets.text import Line
from counterpoint.opt.errors import InstanceError, printable
from counterpoint.opt.problems.places import MAX_PLACES, FloatArray, IntArray

SKIPPED = ("NAME", "COMMENT", "TSP_SOLUTION")  # say nothing about the problem


@dataclass(frozen=True, slots=True)
class Keyword:
    """The value of a specification and its line."""

    value: bytes
    line: Line


@dataclass(frozen=True, slots=True)
class Section:
    """The line with a section's name, and its lines of numbers."""

    head: Line
    body: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Sections:
    """What a file holds, by name."""

    keywords: dict[str, Keyword]
    sections: dict[str, Section]
    last: Line

    def text(self, key: str, known: Sequence[str], default: str | None = None) -> str:
        """Return the first word of a specification in capitals, one of `known`."""
        found = self.keywords.get(key)
        if found is None:
            if default is None:
                raise InstanceError(f"{key} is missing; expected one of {', '.join(known)}", line=self.last.number)
            return default
        word = found.value.split()[0].decode("ascii", "backslashreplace").upper() if found.value.split() else ""
        if word not in known:
            raise InstanceError(
                f"{key} {printable(word[:40])!r} is not supported; expected one of {', '.join(known)}",
                line=found.line.number,
            )
        return word

    def number(self, key: str) -> float:
        """Return a specification that is a number."""
        if key not in self.keywords:
            raise InstanceError(f"{key} is missing; expected a number", line=self.last.number)
        return single(self.keywords[key].value, self.keywords[key].line, key)

    def whole_number(self, key: str, most: int) -> int:
        """Return a specification that is a whole number in 1..most."""
        value = self.number(key)
        if not 1 <= value <= most or value != int(value):
            raise InstanceError(
                f"{key} is {value:g}; expected a whole number in 1..{most}", line=self.keywords[key].line.number
            )
        return int(value)

    def dimension(self) -> int:
        """Return the number of places."""
        return self.whole_number("DIMENSION", MAX_PLACES)

    def section(self, key: str) -> Section:
        """Return a section that must be there."""
        if key not in self.sections:
            raise InstanceError(f"{key} is missing", line=self.last.number)
        return self.sections[key]

    def by_node(self, key: str, columns: int) -> FloatArray:
        """Return what a section says of every node, float64 [N, columns]; its lines begin with nodes 1..N."""
        n, section = self.dimension(), self.section(key)
        what = f"a node and {columns} number{'s' * (columns > 1)} in {key}"
        if len(section.body) != n:
            at = section.body[n] if len(section.body) > n else (section.body or [section.head])[-1]
            raise InstanceError(f"{len(section.body)} lines in {key}; expected {n}, one per node", line=at.number)
        rows = table(section.body, columns + 1, what)
        nodes = self._nodes(rows[:, 0], section.body, key)
        found = np.empty((n, columns))
        found[nodes] = rows[:, 1:]
        return found

    def whole_by_node(self, key: str) -> IntArray:
        """Return a whole number that a section gives every node, int64 [N]."""
        values = self.by_node(key, 1)[:, 0]
        if bad := np.flatnonzero((values != np.floor(values)) | (np.abs(values) > EXACT)).tolist():
            raise InstanceError(f"expected a whole number in {key}", line=self.line_of(key, bad[0]))
        return values.astype(np.int64)

    def line_of(self, key: str, node: int) -> int:
        """Return the number of the line that speaks of a node, from 0."""
        body = self.section(key).body
        return next((line.number for line in body if float(line.raw.split()[0]) == node + 1), body[0].number)

    def depot(self) -> int:
        """Return the one node, from 0, that ``DEPOT_SECTION`` names before its -1."""
        section = self.section("DEPOT_SECTION")
        values = [(token, line) for line in section.body for token in line.raw.split()]
        numbers = [single(token, line, "the depot, then -1") for token, line in values]
        if len(numbers) != 2 or numbers[1] != -1:
            raise InstanceError("expected one depot, then -1, in DEPOT_SECTION", line=section.head.number)
        if numbers[0] not in range(1, self.dimension() + 1):
            raise InstanceError(
                f"depot {numbers[0]:g}; expected a node in 1..{self.dimension()}", line=values[0][1].number
            )
        return int(numbers[0]) - 1

    def _nodes(self, values: FloatArray, lines: Sequence[Line], key: str) -> IntArray:
        nodes = whole(values, lines, f"a node in {key}")
        n = len(nodes)
        bad = np.flatnonzero((nodes < 1) | (nodes > n))
        if len(bad):
            raise InstanceError(f"node {nodes[bad[0]]}; expected 1..{n}", line=lines[int(bad[0])].number)
        _, first = np.unique(nodes, return_index=True)
        if len(first) < n:
            twice = int(np.setdiff1d(np.arange(n), first)[0])
            raise InstanceError(f"node {nodes[twice]} comes twice in {key}", line=lines[twice].number)
        return nodes - 1


def sections(lines: Sequence[Line], keywords: Sequence[str], names: Sequence[str]) -> Sections:
    """Split a file into its specifications and sections, of the given names only; InstanceError with the line."""
    found: dict[str, Keyword] = {}
    parts: dict[str, Section] = {}
    starts = [k for k, line in enumerate(lines) if line.raw[:1].isalpha()]
    if starts[:1] != [0]:
        raise InstanceError("expected a keyword, such as NAME, TYPE or DIMENSION", line=lines[0].number)
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        line, body = lines[start], lines[start + 1 : end]
        key, value = _split(line)
        if key == "EOF":
            if end != len(lines) or body or value:
                raise InstanceError("expected nothing after EOF", line=lines[min(start + 1, len(lines) - 1)].number)
            break
        if key in names:
            if key in parts:
                raise InstanceError(f"{key} comes twice", line=line.number)
            if value:
                raise InstanceError(f"expected nothing after {key} on its line", line=line.number)
            parts[key] = Section(line, body)
            continue
        if value is None and key.partition(" ")[0] in SKIPPED:
            key, value = key.partition(" ")[0], b""
        if key not in (*keywords, *SKIPPED):
            raise InstanceError(
                f"{printable(key[:40])!r} is not supported here; expected one of {', '.join((*keywords, *names))}",
                line=line.number,
            )
        if body:
            raise InstanceError(f"expected a keyword or a section after {key}", line=body[0].number)
        if key in found and key != "COMMENT":
            raise InstanceError(f"{key} comes twice", line=line.number)
        if value is None:
            raise InstanceError(f"expected {key} : and its value", line=line.number)
        found[key] = Keyword(value, line)
    else:
        if not lines[-1].is_ended:
            raise InstanceError("the last line is cut, and there is no EOF", line=lines[-1].number)
    return Sections(found, parts, lines[-1])


def _split(line: Line) -> tuple[str, bytes | None]:
    """Return the keyword of a line in capitals, and what follows its colon, None if it has none."""
    key, colon, value = line.raw.partition(b":")
    return key.strip().decode("ascii", "backslashreplace").upper(), value.strip() if colon else None
