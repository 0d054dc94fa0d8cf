"""Blocking without swap, on top of the model with swap: moves of one instant happen in an order.

Every start t gets a rank r in 0..m-1 among the moves of its instant. In the fine time T = m t + r a
machine that a job leaves at T can be entered at T + 1 or later, so a cycle of moves would have to rise
above itself; Mascis and Pacciarelli (2002), EJOR 143:498-517, forbid the same cycles in their graph.
m ranks suffice: of the moves of one instant each enters another machine, so at most m wait in a row.
Durations are at least 1 in this variant, so a job moves at most once in an instant.
"""

from typing import Any

from counterpoint.solvers.cp_sat.job_shop_model import Model


def add_ranks(model: Model) -> None:
    """Add ranks, fine times, and a no-overlap per machine in fine time.

    Parameters
    ----------
    model : Model
        With operations, chains and machines in place.
    """
    shop, scale = model.shop, model.shop.num_machines
    if scale == 1:
        return
    known_rank = _known_ranks(model)
    rank, fine = [], []
    for i in range(shop.num_operations):
        known = model.known_start[i]
        rank.append(model.number(0, scale - 1, known_rank[i]))
        fine.append(model.number(0, scale * (model.horizon + 1), scale * known + known_rank[i]))
        model.cp.add(fine[i] == scale * model.start[i] + rank[i])
    on_machine: list[list[Any]] = [[] for _ in range(scale)]
    for i in range(shop.num_operations):
        for position, machine, duration, presence in model.options(i):
            if model.is_last(i):
                # a finished job leaves before anybody moves
                size, end = scale * duration - rank[i], scale * (model.start[i] + duration)
            else:
                size, end = _hold(model, i, position, machine, fine, known_rank)
            on_machine[machine].append(model.interval(fine[i], size, end, presence))
    for intervals in on_machine:
        if len(intervals) > 1:
            model.cp.add_no_overlap(intervals)


def _hold(model: Model, i: int, position: int, machine: int, fine: list[Any], known_rank: list[int]) -> tuple[Any, Any]:
    """Size and end of an occupation that the successor's start ends: one beyond, if the job moves away."""
    scale = model.shop.num_machines
    last = scale * (model.horizon + 1)
    known_fine = [scale * model.known_start[k] + known_rank[k] for k in (i, i + 1)]
    same = [(there, presence) for there, m, _, presence in model.options(i + 1) if m == machine]
    is_known_here = model.known_option[i] == position
    stays_known = bool(same) and model.known_option[i + 1] == same[0][0]
    known_end = known_fine[1] + 1 - int(stays_known)
    end: Any
    if same and same[0][1] is not None:
        end = model.number(0, last, known_end)
        model.cp.add(end == fine[i + 1] + 1 - same[0][1])
    else:
        end = fine[i + 1] + (0 if same else 1)
    # the size of an absent interval is free; any value in its domain completes the hint
    size = model.number(0, last, known_end - known_fine[0] if is_known_here else 0)
    return size, end


def _known_ranks(model: Model) -> list[int]:
    """Rank of each start of the known schedule: moves that must come before it at its instant."""
    machine = [int(model.shop.option_machine[o]) for o in model.known_option]
    leaver = {}  # (machine, instant) -> the start that empties it
    for i in range(1, model.shop.num_operations):
        if not model.is_last(i - 1) and machine[i] != machine[i - 1]:
            leaver[machine[i - 1], model.known_start[i]] = i
    ranks: dict[int, int] = {}

    def waits(i: int) -> int | None:
        """Return the start that must come before start i, unless the job stays on its machine."""
        stays = i > 0 and not model.is_last(i - 1) and machine[i] == machine[i - 1]
        return None if stays else leaver.get((machine[i], model.known_start[i]))

    for i in range(model.shop.num_operations):
        chain, at = [], waits(i)
        while at is not None:
            chain.append(at)
            at = waits(at)
        ranks[i] = len(chain)
    return [ranks[i] for i in range(model.shop.num_operations)]
