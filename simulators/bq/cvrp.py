"""Vehicle routes as decision processes: a state of the quotient is what is unserved, where we are and with what load.

Reference: Drakulic et al. 2023 (see `protocol`). A step is a customer and whether the way there leads through the
depot, which ends the route; at the depot itself that would be the same step twice, so it is not offered there.
"""

from collections.abc import Sequence

import numpy as np

from counterpoint.opt.problems.cvrp import Cvrp, Routes
from counterpoint.simulators.bq.protocol import Prefix, Tail, part

Step = tuple[int, bool]  # customer, through the depot


class Quotient:
    """States are instances with a vehicle under way (`Cvrp.origin`, `Cvrp.load`), actions steps by position."""

    def start(self, instance: Cvrp) -> Tail[Cvrp]:
        """Return the instance; what the origin asked for has been served and counts no more."""
        return Tail(_left(instance, np.arange(instance.num_places), instance.origin, instance.load),
                    np.arange(instance.num_places))  # fmt: skip

    def actions(self, state: Tail[Cvrp]) -> list[Step]:
        """Return the customers that still fit in, and all of them through the depot."""
        left = state.instance
        customers = left.customers
        direct = customers[left.demand[customers] <= left.load].tolist()
        return [(i, False) for i in direct] + ([(i, True) for i in customers.tolist()] if left.origin else [])

    def step(self, state: Tail[Cvrp], action: Step) -> tuple[float, Tail[Cvrp]]:
        """Go to a customer and serve it."""
        left, (customer, is_through) = state.instance, action
        load = (left.capacity if is_through else left.load) - int(left.demand[customer])
        everywhere = np.arange(left.num_places)
        kept = np.delete(everywhere, left.origin) if left.origin else everywhere
        after = _left(left, kept, customer, load)
        return -_way(left, left.origin, action), Tail(after, state.numbers[kept])

    def may_finish(self, state: Tail[Cvrp]) -> bool:
        """Return whether all are served."""
        return not len(state.instance.customers)

    def finish(self, state: Tail[Cvrp]) -> float:
        """Return minus the way home."""
        left = state.instance
        return -float(left.places.lengths(left.origin, 0)) if left.origin else 0.0

    def named(self, state: Tail[Cvrp], action: Step) -> Step:
        """Return the step with the customer's number at the start."""
        return int(state.numbers[action[0]]), action[1]

    def solution(self, instance: Cvrp, steps: Sequence[Step]) -> Routes:
        """Return the routes."""
        return routes_of(steps)


class Direct:
    """States are an instance and the steps taken."""

    def start(self, instance: Cvrp) -> Prefix[Cvrp]:
        """Return the empty prefix."""
        return Prefix(instance)

    def actions(self, state: Prefix[Cvrp]) -> list[Step]:
        """Return the customers not served yet that fit into the route, and all of them through the depot."""
        instance = state.instance
        served = {i for i, _ in state.steps}
        waiting = [i for i in instance.customers.tolist() if i not in served]
        load = instance.load
        for i, is_through in state.steps:
            load = (instance.capacity if is_through else load) - int(instance.demand[i])
        direct = [(i, False) for i in waiting if instance.demand[i] <= load]
        return direct + ([(i, True) for i in waiting] if instance.origin or state.steps else [])

    def step(self, state: Prefix[Cvrp], action: Step) -> tuple[float, Prefix[Cvrp]]:
        """Append a step."""
        origin = state.steps[-1][0] if state.steps else state.instance.origin
        return -_way(state.instance, origin, action), Prefix(state.instance, (*state.steps, action))

    def may_finish(self, state: Prefix[Cvrp]) -> bool:
        """Return whether all are served."""
        return len(state.steps) == len(state.instance.customers)

    def finish(self, state: Prefix[Cvrp]) -> float:
        """Return minus the way home."""
        origin = state.steps[-1][0] if state.steps else state.instance.origin
        return -float(state.instance.places.lengths(origin, 0)) if origin else 0.0

    def named(self, state: Prefix[Cvrp], action: Step) -> Step:
        """Return the action."""
        return action

    def solution(self, instance: Cvrp, steps: Sequence[Step]) -> Routes:
        """Return the routes."""
        return routes_of(steps)


def routes_of(steps: Sequence[Step]) -> Routes:
    """Return routes, cut wherever a step leads through the depot."""
    routes: list[list[int]] = [[]]
    for customer, is_through in steps:
        if is_through:
            routes.append([])
        routes[-1].append(customer)
    return Routes(tuple(np.array(route, np.int64) for route in routes))


def _left(instance: Cvrp, kept: np.ndarray, origin: int, load: int) -> Cvrp:
    """Return the instance of the places kept with a vehicle at `origin`, one of them."""
    demand = instance.demand.copy()
    demand[origin] = 0
    at = int(np.searchsorted(kept, origin))
    return Cvrp(instance.name, part(instance.places, kept), demand[kept], instance.capacity, at, load)


def _way(instance: Cvrp, origin: int, step: Step) -> float:
    customer, is_through = step
    if not is_through:
        return float(instance.places.lengths(origin, customer))
    return float(instance.places.lengths(origin, 0) + instance.places.lengths(0, customer))
