"""The graph network for job shops: hand-worked inputs, and indifference to numbering, padding and company."""

import pytest
import torch

from counterpoint.models.networks.job_shop_gnn import Decisions, JobShopGnn, Options, graph_of, log_softmax
from counterpoint.models.policies.job_shop_gnn_rollout import Situation
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.simulators.batched.job_shop_flexible import FlexibleShops

TINY = JobShop.from_jobs("tiny", [[[(0, 3), (1, 5)], [(1, 2)]], [[(0, 1)]]])


def network() -> JobShopGnn:
    """Return a small network whose last layers are not as good as zero."""
    torch.manual_seed(0)
    net = JobShopGnn(Options(width=8, layers=2))
    for layer in (net.point, net.judge):
        torch.nn.init.normal_(layer.weight)
    return net


def first_decisions(shops: FlexibleShops) -> tuple[torch.Tensor, torch.Tensor]:
    """Return log-probabilities [B, A] (-inf where illegal) and values [B] of the first decision, any job next."""
    net = network()
    situation = Situation(shops, 1, "append")
    mask = situation.candidates()
    decisions = situation.decisions(mask, torch.arange(len(mask)))
    with torch.no_grad():
        found, value = net(net.encode(graph_of(shops)), decisions)
    return torch.full(mask.shape, -torch.inf).masked_scatter(mask, found), value


def test_graph_by_hand() -> None:
    """Longest job 5; machine 0 has 3 / 2 + 1 to do, machine 1 5 / 2 + 2 = 4.5: times are shares of 5."""
    graph = graph_of(FlexibleShops.of([TINY]))
    assert graph.successor.tolist() == [[0], [1]]
    assert graph.eligible.tolist() == [[0, 0, 1, 2], [0, 1, 1, 0]]
    torch.testing.assert_close(graph.duration, torch.tensor([[6 / 5], [2.0], [4 / 5], [2 / 5]]))
    torch.testing.assert_close(
        graph.operation,
        torch.tensor([[6 / 5, 3 / 5, 2 / 5, 1, 0], [4 / 5, 1, 0, 0.5, 0.5], [2 / 5, 1 / 5, 0, 0.5, 0], [0.0] * 5]),
    )
    torch.testing.assert_close(graph.machine, torch.tensor([[2.5 / 5, 1.5 * 2 / 3, 1], [4.5 / 5, 1.5 * 2 / 3, 1]]))


def test_log_softmax_by_hand() -> None:
    decisions = Decisions(*[torch.zeros(0)] * 3, torch.tensor([0, 0, 1]), torch.tensor([2, 1]), torch.zeros(2, 2))
    found = log_softmax(torch.tensor([1000.0, 1000.0 + torch.log(torch.tensor(3.0)), -7.0]), decisions)
    torch.testing.assert_close(found.exp(), torch.tensor([0.25, 0.75, 1.0]), atol=1e-4, rtol=0)


def test_jobs_may_be_numbered_in_any_order() -> None:
    jobs = [[(0, 3), (1, 2), (2, 9)], [(1, 1), (0, 4)], [(2, 5), (2, 7)]]
    there, value = first_decisions(FlexibleShops.of([JobShop.from_jobs("a", jobs)]))
    back, other = first_decisions(FlexibleShops.of([JobShop.from_jobs("b", [jobs[2], jobs[0], jobs[1]])]))
    torch.testing.assert_close(back[0], there[0, [2, 0, 1]])
    torch.testing.assert_close(other, value)
    assert float(there.max() - there.min()) > 0.01  # or nothing was tested


def test_machines_may_be_numbered_in_any_order() -> None:
    jobs = [[(0, 3), (1, 2), (2, 9)], [(1, 1), (0, 4)], [(2, 5), (2, 7)]]
    renamed = [[((m + 1) % 3, p) for m, p in job] for job in jobs]
    first = first_decisions(FlexibleShops.of([JobShop.from_jobs("a", jobs)]))
    second = first_decisions(FlexibleShops.of([JobShop.from_jobs("b", renamed)]))
    for a, b in zip(first, second, strict=True):
        torch.testing.assert_close(a, b)


def test_a_shop_is_seen_alone_as_in_any_batch(random_shops) -> None:
    shops = [TINY, *random_shops]
    together, values = first_decisions(FlexibleShops.of(shops))
    o = FlexibleShops.of(shops).machine.shape[3]
    for row, shop in enumerate(shops):
        alone = FlexibleShops.of([shop])
        logits, value = first_decisions(alone)
        own = alone.machine.shape[3]
        if own == 1 and o > 1:
            continue  # without options the bound on the makespan is another, so the features differ
        same = together[row].view(-1, o)[: shop.num_jobs, :own]
        torch.testing.assert_close(logits.view(-1, own), same, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(value[0], values[row], atol=1e-5, rtol=1e-4)


@pytest.fixture
def random_shops() -> list[JobShop]:
    from counterpoint.datasets.generators.job_shop import flexible

    return [flexible(jobs=n, machines=m, seed=n) for n, m in ((2, 3), (4, 2), (5, 4))]


def test_options_are_checked() -> None:
    with pytest.raises(OptionError, match="width must lie"):
        Options(width=0)
