"""Who is best, by how much, and how sure that is: in words."""

import math
from typing import TYPE_CHECKING

from counterpoint.opt.errors import printable
from counterpoint.opt.evaluation.paired import INSTANCE, paired_comparison
from counterpoint.opt.evaluation.summary import summarise

if TYPE_CHECKING:
    import pandas as pd


def verdict(frame: "pd.DataFrame", *, max_rivals: int = 8) -> tuple[str, ...]:
    """Return sentences: the size of the comparison, the leader, and the leader against each other method.

    The leader solved the largest share of its runs and, among those, has the least mean gap on the
    common instances. A lead is called clear only where `Paired.is_clear`; ties are called ties.
    """
    if frame.empty:
        return ("No runs.",)
    sentences = []
    families = list(dict.fromkeys(frame["problem"]))
    for family in families:
        prefix = f"{family}: " if len(families) > 1 else ""
        sentences += [prefix + text for text in _family(frame[frame["problem"] == family], max_rivals)]
    return tuple(printable(text) for text in sentences)


def _family(frame: "pd.DataFrame", max_rivals: int) -> list[str]:
    table = summarise(frame)
    num_instances = len(frame[INSTANCE].drop_duplicates())
    totals = table[["runs", "solved", "optimal", "failed", "late"]].sum()
    sentences = [
        f"{_count(num_instances, 'instance')}, {_count(len(table), 'method')}, {_count(int(totals['runs']), 'run')}: "
        f"{totals['solved']} hold a verified solution ({totals['optimal']} proven optimal), "
        f"{totals['failed']} failed, {totals['late']} late."
    ]
    if totals["solved"] == 0:
        return [*sentences, "No method found a solution."]
    leader = str(table.index[0])
    row = table.iloc[0]
    if len(table) == 1:
        return sentences + (
            [] if math.isnan(row["mean_gap"]) else [f"{leader}: mean gap {100 * row['mean_gap']:.2f} %."]
        )
    pairs = {str(rival): paired_comparison(frame, leader, str(rival)) for rival in table.index[1 : 1 + max_rivals]}
    unclear = [rival for rival, pair in pairs.items() if not pair.is_clear]
    gap = (
        ""
        if math.isnan(row["mean_gap"])
        else f", mean gap {100 * row['mean_gap']:.2f} % over {_count(int(row['common']), 'instance')}"
    )
    solved = (
        ""
        if row["solved"] == row["runs"]
        else f", but it solved only {int(row['solved'])} of its {int(row['runs'])} runs"
    )
    if not unclear:
        sentences.append(f"Best: {leader}{gap}; clearly ahead of every other method{solved}.")
    else:
        sentences.append(f"In front: {leader}{gap}; not clearly ahead of {', '.join(unclear)}{solved}.")
    sentences += [f"{_capital(str(pair))}." for pair in pairs.values()]
    if len(table) - 1 > max_rivals:
        sentences.append(f"In the table: {_count(len(table) - 1 - max_rivals, 'more method')}.")
    return sentences


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _capital(text: str) -> str:
    """Capital first letter, except of a method's name."""
    return "N" + text[1:] if text.startswith("no clear") else text
