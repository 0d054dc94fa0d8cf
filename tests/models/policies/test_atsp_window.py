"""Windows on matrices: what is said of arcs holds among all that is left, whatever is shown."""

import numpy as np
import pytest
import torch

from counterpoint.datasets.generators.tsp import matrix
from counterpoint.models.networks.bq import Options as NetworkOptions
from counterpoint.models.networks.bq_matrix_arcs import DESCRIPTION, described
from counterpoint.models.policies.atsp import build, solve_matrix
from counterpoint.models.policies.atsp_window import AGAIN, windowed
from counterpoint.models.policies.bq import Options
from counterpoint.models.policies.bq_rollout import roll_out
from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import unheard
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tsp, check
from counterpoint.simulators.batched.bq_atsp import start

ENDS = [None, (3, 11)]


@pytest.fixture(scope="module")
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = build(NetworkOptions(layers=2, width=16, heads=2, inner=16))
        for layer in made.layers:
            layer.weights.data.fill_(0.5)
    return made


def paths_of(n, ends=None, seed=0, batch=1):
    costs = torch.from_numpy(np.random.default_rng(seed).random((batch, n, n)))
    costs.diagonal(dim1=1, dim2=2).zero_()
    return start(costs, *(() if ends is None else (torch.full((batch,), place) for place in ends)))


@pytest.mark.parametrize("ends", ENDS)
def test_what_is_shown_is_a_part_of_what_is_said_of_all(ends):
    tails = windowed(paths_of(40, ends))
    for forwards in (True, False):
        whole = described(tails.paths.observe().edges.squeeze(3))
        view = tails.observe(12)
        position = view.choice[0, ::2] // 2
        assert view.edges.shape == (1, 14, 14, DESCRIPTION)
        assert len(set(position.tolist())) == 12
        shown = torch.cat((torch.tensor([0, 1]), position + 2))
        torch.testing.assert_close(view.edges[0], whole[0][shown][:, shown], rtol=1e-4, atol=1e-4)
        likeliest = [int(whole[0, 0, 2:, 1].argmax()), int(whole[0, 2:, 1, 1].argmax())]
        assert set(likeliest) <= set(position.tolist())
        step = 2 * position[:1] + (0 if forwards else 1)
        tails = windowed(tails.step(step).paths)


@pytest.mark.parametrize("ends", ENDS)
def test_between_two_descriptions_the_old_one_holds_for_what_is_left(ends):
    """The origin and the end are where they were among all; what cannot be any more is said to be so."""
    tails = windowed(paths_of(60, ends))
    whole, left = described(tails.paths.observe().edges.squeeze(3)), tails.left[0].tolist()
    tails = tails.step(torch.tensor([2 * 7])).step(torch.tensor([2 * 20 + 1]))
    place = {p: 2 + k for k, p in enumerate(left)}
    assert int(tails.said.shape[1]) == len(left) + 2
    view = tails.observe(15)
    shown = [left[7], tails.paths.end.item(), *tails.left[0, view.choice[0, ::2] // 2].tolist()]
    at = torch.tensor([place[p] for p in shown])
    old = whole[0][at][:, at]
    torch.testing.assert_close(view.edges[0, 0, 2:, :3], old[0, 2:, :3], rtol=1e-4, atol=1e-4)  # out of the origin
    torch.testing.assert_close(view.edges[0, 2:, 1, :3], old[2:, 1, :3], rtol=1e-4, atol=1e-4)  # into the end
    torch.testing.assert_close(view.edges[0, 2:, 2:], old[2:, 2:], rtol=1e-4, atol=1e-4)
    barred = view.edges[0, 0, 0, :3]
    assert (view.edges[0, :, 0, :3] == barred).all()
    assert (view.edges[0, 1, :, :3] == barred).all()
    while tails.size >= AGAIN * len(left):
        tails = tails.step(torch.tensor([0]))
    assert int(tails.said.shape[1]) == tails.size + 2  # described again
    fresh = windowed(tails.paths)
    assert torch.equal(tails.observe(15).edges, fresh.observe(15).edges)


def test_all_in_sight_is_as_without_a_window():
    tails = windowed(paths_of(20))
    for window in (0, 19, 30):
        assert torch.equal(tails.observe(window).edges, tails.paths.observe().edges)


def test_rows_have_what_is_said_of_their_own(network):
    """A batch is as its rows alone, greedily and by a beam; rows picked out of order too."""
    paths = paths_of(30, batch=3)
    tails = windowed(paths).picked(torch.tensor([2, 0, 1]))
    for k, of in enumerate((2, 0, 1)):
        alone = windowed(paths.picked(torch.tensor([of])))
        assert torch.equal(tails.observe(9).edges[k], alone.observe(9).edges[0])
    steps, _ = roll_out(network, tails, window=9)
    for k, of in enumerate((2, 0, 1)):
        alone, _ = roll_out(network, windowed(paths.picked(torch.tensor([of]))), window=9)
        assert torch.equal(steps[k], alone[0])
        wide, left = roll_out(network, windowed(paths.picked(torch.tensor([of]))), window=9, width=4)
        assert len(wide) == 4 == len(left.cost())
        assert all(len(set((row // 2).tolist())) == 29 for row in wide)


def test_numbers_mean_nothing(network):
    costs = np.random.default_rng(5).random((40, 40))
    new = np.r_[0, 1 + np.random.default_rng(6).permutation(39)]
    tours = []
    for order in (np.arange(40), new):
        renumbered = torch.from_numpy(costs[np.ix_(order, order)]).unsqueeze(0)
        steps, _ = roll_out(network, windowed(start(renumbered)), window=10)
        tours.append((order[steps[0] // 2], steps[0] % 2))
    assert (tours[0][0] == tours[1][0]).all()
    assert (tours[0][1] == tours[1][1]).all()


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("width", [1, 3])
def test_the_method_takes_windows(ends, width):
    case = matrix(places=40, seed=1)
    case = Tsp("x", Places("explicit", None, case.places.matrix), ends)
    outcome = solve_matrix(case, Budget(iterations=2), 0, Options(window=12, width=width), unheard)
    assert check(case, outcome.solution).is_feasible
    whole = solve_matrix(case, Budget(iterations=2), 0, Options(window=0, width=width), unheard)
    assert outcome.objective < 1.5 * whole.objective
