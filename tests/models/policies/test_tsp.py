"""The learned method for tours: what it builds is a tour whatever the network says; the one shipped is good."""

import numpy as np
import pytest
import torch

import counterpoint as ct
from counterpoint.models.networks.bq import Options as NetworkOptions
from counterpoint.models.policies.bq import Options, load
from counterpoint.models.policies.bq_rollout import roll_out
from counterpoint.models.policies.tsp import NETWORK, build
from counterpoint.models.policies.tsp_finish import MOST, finished
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tour, Tsp, check
from counterpoint.simulators.batched.bq_tsp import start, visits


def random_network(seed: int):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = build(NetworkOptions(layers=2, width=16, heads=2, inner=16))
        for layer in made.layers:
            layer.weights.data.normal_()
    return made


@torch.no_grad()
@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_random_policies_build_tours(count):
    """Drawn, greedy or in a beam; closed tours and paths; with a window and without; finished exactly or not."""
    generator, random = torch.Generator().manual_seed(0), np.random.default_rng(0)
    done = 0
    while done < count:
        n, width, leave = int(random.integers(2, 25)), int(random.choice([1, 1, 5])), int(random.choice([0, MOST]))
        window, is_drawn = int(random.choice([0, 6])), bool(random.integers(2)) and width == 1
        batch = 50 // width
        points = torch.rand(batch, n, 2, generator=generator, dtype=torch.float64)
        ends = random.permuted(np.tile(np.arange(n), (batch, 1)), axis=1)[:, :2]
        is_path = bool(random.integers(2))
        paths = start(points, *torch.from_numpy(ends.T.copy())) if is_path else start(points)
        drawn = generator if is_drawn else None
        network = random_network(int(random.integers(5)))
        steps, left = roll_out(network, paths, width=width, window=window, generator=drawn, leave=leave)
        inner, kept = visits(steps, finished(left)).numpy(), len(left.row) // batch
        for k, between in enumerate(inner):
            b = k // kept
            case = Tsp("x", Places("euclidean", points[b].numpy()), tuple(ends[b].tolist()) if is_path else None)
            order = np.r_[ends[b, 0], between, ends[b, 1]] if is_path else np.r_[0, between]
            verdict = check(case, Tour(order))
            assert verdict.is_feasible, str(verdict)
            if leave == 0:
                assert verdict.objective == pytest.approx(float(left.cost()[k]), rel=1e-9)
        done += len(inner)


@pytest.fixture(scope="module")
def shipped():
    return load(Options(), NETWORK, build)


def clusters(seed: int) -> Tsp:
    """Twelve towns of eight places on a whole grid, as in TSPLIB; nothing like what was taught."""
    random = np.random.default_rng(seed)
    points = (random.random((12, 1, 2)) * 2000 + random.normal(0, 120, (12, 8, 2))).reshape(-1, 2).round()
    return Tsp("towns", Places("euc-2d", points))


@pytest.fixture(scope="module")
def towns():
    return clusters(5)


def test_the_one_shipped_beats_the_nearest_neighbour_and_with_reconstruction_insertion():
    learned = (f"bq:reconstructions={extra}" for extra in ("0", "0,width=8", "20"))
    methods = ("nearest-neighbour", "farthest-insertion", *learned)
    cases = [clusters(seed) for seed in (4, 5)]
    found = [[ct.solve(case, method, seed=1).objective for case in cases] for method in methods]
    near, far, plain, wide, rebuilt = found
    assert sum(plain) < sum(near)
    assert sum(wide) < sum(plain)
    for shorter, greedy, simple in zip(rebuilt, plain, far, strict=True):
        assert shorter < min(greedy, 0.98 * simple)


def test_the_same_again(towns):
    for options in ("bq:width=3,reconstructions=0", "bq:reconstructions=4"):
        one, other = (ct.solve(towns, options, seed=5) for _ in range(2))
        assert one.solution == other.solution
    one, other = (ct.solve(towns, "bq:reconstructions=0", seed=seed) for seed in (1, 2))
    assert one.solution == other.solution  # nothing to draw


def test_tours_are_drawn_besides_the_greedy_one(towns):
    drawn = [ct.solve(towns, "bq:samples=16,reconstructions=0", seed=seed) for seed in (1, 1, 2, 3)]
    assert drawn[0].solution == drawn[1].solution
    assert len({found.objective for found in drawn}) > 1
    greedy = ct.solve(towns, "bq:reconstructions=0")
    assert max(found.objective for found in drawn) <= greedy.objective
    assert min(found.objective for found in drawn) < greedy.objective


@torch.no_grad()
def test_numbers_of_places_do_not_matter(shipped):
    points = torch.rand(8, 15, 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    order = torch.cat((torch.tensor([0]), 1 + torch.randperm(14, generator=torch.Generator().manual_seed(3))))
    one, other = (start(given).observe() for given in (points, points[:, order]))
    found, again = (shipped[0](view.x).unflatten(1, (-1, 2)) for view in (one, other))
    torch.testing.assert_close(found[:, order[1:] - 1], again, atol=1e-4, rtol=0)


def test_limits(towns):
    late = ct.solve(towns, "bq:reconstructions=1000", time_limit=0)
    assert late.termination is ct.Termination.TIME
    assert late.solution_status is ct.SolutionStatus.FEASIBLE
    assert ct.solve(towns, "bq:reconstructions=1000", iterations=2).iterations == 2
    easy = ct.solve(towns, "bq:reconstructions=1000", target=1e9)
    assert (easy.termination, easy.iterations) == (ct.Termination.TARGET, 0)
    cut = ct.solve(towns, "bq:reconstructions=100000", time_limit=1.0)
    assert cut.termination is ct.Termination.TIME
    assert cut.objective <= ct.solve(towns, "bq:reconstructions=0").objective
