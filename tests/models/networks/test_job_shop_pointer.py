"""The network's symmetries, and that every weight matters."""

import pytest
import torch

from counterpoint.models.networks.job_shop_features import State, Tables, choices_of
from counterpoint.models.networks.job_shop_pointer import JobShopPointer, Options
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.simulators.batched.job_shop import Shops, candidates, empty

SMALL = [[(0, 3), (1, 2), (2, 4)], [(0, 1), (1, 4)], [(0, 2), (2, 2), (1, 5)]]


@pytest.fixture
def network() -> JobShopPointer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return JobShopPointer(Options(width=16, embedding=8, layers=2))


def logits_of(network: JobShopPointer, shops: Shops) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the row and the logits of the first choice of each shop."""
    tables, partial = Tables.of(shops), empty(shops)
    rows = torch.arange(len(shops.machine))
    choices = choices_of(tables, State.of(partial, tables.load, rows, candidates(partial, "active"), 1))
    return choices.row, network(network.encode(shops), choices)


def test_padding_and_neighbours_in_the_batch_change_nothing(network: JobShopPointer) -> None:
    small = JobShop.from_jobs("small", SMALL)
    large = JobShop.from_jobs("large", [[(k, 2 + k) for k in range(4)] * 2] * 5)
    row, logits = logits_of(network, Shops.of([large, small]))
    _, alone = logits_of(network, Shops.of([small]))
    torch.testing.assert_close(logits[row == 1], alone)
    embedding = network.encode(Shops.of([large, small])).view(2, 5, 8, -1)[1]
    mine = network.encode(Shops.of([small])).view(3, 3, -1)
    for job, length in enumerate((3, 2, 3)):
        torch.testing.assert_close(embedding[job, :length], mine[job, :length])


def test_the_encoder_hears_the_job_and_the_clique(network: JobShopPointer) -> None:
    """Swapping two machines far away changes who is in the clique, and only the encoder can know."""
    shop = Shops.of([JobShop.from_jobs("small", SMALL)])
    other = Shops.of([JobShop.from_jobs("small", [SMALL[0], SMALL[1], [(0, 2), (1, 2), (2, 5)]])])
    a, b = (network.encode(x).view(3, 3, -1)[0, 1] for x in (shop, other))  # machine 1 of job 0
    assert not torch.allclose(a, b)
    silent = JobShopPointer(Options(width=16, embedding=8, layers=0))
    same = Shops.of([JobShop.from_jobs("small", [SMALL[0], [(1, 1), (0, 4)], SMALL[2]])])
    # job 1 changed its route, keeping no load: without messages job 0 cannot hear that from static sums alone
    assert not torch.allclose(silent.encode(shop), silent.encode(same))


def test_every_parameter_gets_a_gradient(network: JobShopPointer) -> None:
    _, logits = logits_of(network, Shops.of([JobShop.from_jobs("small", SMALL)]))
    (logits * torch.arange(1.0, len(logits) + 1)).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_rivals_matter(network: JobShopPointer) -> None:
    """Without the third job the two others' logits differ by something else than a constant."""
    _, three = logits_of(network, Shops.of([JobShop.from_jobs("small", SMALL)]))
    _, two = logits_of(network, Shops.of([JobShop.from_jobs("small", SMALL[:2], num_machines=3)]))
    assert len(three) == 3
    assert len(two) == 2
    assert not torch.isclose(three[1] - three[0], two[1] - two[0])


def test_options_are_checked() -> None:
    with pytest.raises(OptionError, match="width"):
        Options(width=0)
