"""What holds the makespan up: the disjunctive graph of a schedule, its slack, and its critical path.

Source: Roy and Sussmann 1964 (disjunctive graph); Pinedo 2016, *Scheduling*, section 7.1 (longest paths);
Mascis and Pacciarelli 2002, EJOR 143:498-517 (alternative arcs of blocking shops).
"""

from typing import Any

import numpy as np

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.job_shop import IntArray, JobShop, Schedule

SOURCE, SINK = "source", "sink"


def disjunctive_graph(instance: JobShop, schedule: Schedule) -> Any:
    """Return the directed graph of "must wait for" that a complete schedule has chosen.

    Parameters
    ----------
    instance : JobShop
        Any variant.
    schedule : Schedule
        A feasible schedule; each operation exactly once.

    Returns
    -------
    networkx.DiGraph
        Nodes: operation numbers with ``job``, ``operation``, ``machine``, ``start``, ``end``; ``"source"``
        at 0 and ``"sink"`` at the makespan. An edge (u, v) with ``kind`` and ``lag`` says that v starts at
        least ``lag`` after u starts: ``"job"`` (precedence), ``"machine"`` (next on the machine),
        ``"blocking"`` (v's machine is left when u, the successor of its last operation, starts),
        ``"window"`` (v may start when the machine is available again; from the source) and ``"release"``.
        Of a pair of operations that several rules bind, the largest lag is kept.

    Raises
    ------
    InstanceError
        If an operation is missing, doubled or unknown.

    Notes
    -----
    O((N + U) log N) for N operations and U windows. With "swap" blocking the graph may have cycles of lag 0.
    """
    import networkx as nx

    machine, start, end = by_operation(instance, schedule)
    graph = nx.DiGraph(makespan=int(end.max()))
    graph.add_node(SOURCE, start=0, end=0)
    graph.add_node(SINK, start=int(end.max()), end=int(end.max()))
    job = instance.job_of
    for i in range(instance.num_operations):
        graph.add_node(
            i,
            job=int(job[i]),
            operation=int(i - instance.job_offsets[job[i]]),
            machine=int(machine[i]),
            start=int(start[i]),
            end=int(end[i]),
        )
    duration = end - start
    for i in range(instance.num_operations):
        if i == instance.job_offsets[job[i]]:
            _bind(graph, SOURCE, i, 0, "release")
        else:
            _bind(graph, i - 1, i, int(duration[i - 1]), "job")
        _bind(graph, i, SINK, int(duration[i]), "job")
    order = np.lexsort((end, start, machine))
    for before, after in zip(order[:-1].tolist(), order[1:].tolist(), strict=True):
        if machine[before] != machine[after]:
            continue
        is_last = before + 1 == instance.job_offsets[job[before] + 1]
        if instance.blocking != "none" and not is_last and before + 1 != after:
            _bind(graph, before + 1, after, 0, "blocking")
        _bind(graph, before, after, int(duration[before]), "machine")
    for m, _, stop in instance.unavailable.tolist():
        for i in np.flatnonzero((machine == m) & (start >= stop)).tolist():
            _bind(graph, SOURCE, i, stop, "window")
    return graph


def critical_operations(instance: JobShop, schedule: Schedule, job: int | None = None) -> list[int]:
    """Return the operations of one critical path, in order of time.

    A longest chain of tight waits (the successor starts as soon as it may) that ends at the makespan, or
    at the completion of `job`. It begins at time 0, or at the end of an unavailability window; where the
    schedule idles without need, at the operation that could have started earlier.

    Raises
    ------
    InstanceError
        If an operation is missing, doubled or unknown.
    """
    import networkx as nx

    graph = disjunctive_graph(instance, schedule)
    start = nx.get_node_attributes(graph, "start")
    tight = nx.DiGraph()
    tight.add_nodes_from(graph.nodes)
    tight.add_weighted_edges_from((u, v, lag) for u, v, lag in graph.edges(data="lag") if start[v] - start[u] == lag)
    # swaps at one instant (and operations of no length) may form cycles of lag 0: contract them
    whole = nx.condensation(tight)
    lag: dict[tuple[int, int], int] = {}
    for u, v, weight in tight.edges(data="weight"):
        a, b = whole.graph["mapping"][u], whole.graph["mapping"][v]
        if a != b:
            lag[a, b] = max(lag.get((a, b), 0), weight)
    nx.set_edge_attributes(whole, lag, "weight")
    last = SINK if job is None else int(instance.job_offsets[job + 1]) - 1
    sink = whole.graph["mapping"][last]
    before = whole.subgraph(nx.ancestors(whole, sink) | {sink})
    path = nx.dag_longest_path(before, weight="weight")
    found = [i for part in path for i in whole.nodes[part]["members"] if i not in (SOURCE, SINK)]
    return sorted(found, key=lambda i: (start[i], graph.nodes[i]["end"], i))


def by_operation(instance: JobShop, schedule: Schedule) -> tuple[IntArray, IntArray, IntArray]:
    """Return machine, start and end by operation number, each int64 [N]; InstanceError unless complete."""
    job, operation = schedule.job, schedule.operation
    known = (job >= 0) & (job < instance.num_jobs) & (operation >= 0)
    lengths = np.diff(instance.job_offsets)
    if not np.all(known) or np.any(operation >= lengths[job]):
        raise InstanceError("the schedule has an operation that the instance has not")
    op = instance.job_offsets[job] + operation
    if not np.array_equal(np.sort(op), np.arange(instance.num_operations)):
        raise InstanceError("the schedule must hold each operation exactly once")
    order = np.argsort(op)
    return schedule.machine[order], schedule.start[order], schedule.end[order]


def _bind(graph: Any, u: Any, v: Any, lag: int, kind: str) -> None:
    if not graph.has_edge(u, v) or graph.edges[u, v]["lag"] < lag:
        graph.add_edge(u, v, lag=lag, kind=kind)
