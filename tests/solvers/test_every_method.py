"""What the registry says of each method is so: it runs, verified, on every variant it claims, and refuses the rest."""

import pytest

import counterpoint as ct

METHODS = [m.name for m in ct.methods("job-shop")]


@pytest.fixture(scope="module")
def shops(small_shops):
    """24 tiny shops, one of each combination of variants, with their optima by enumeration."""
    return [(shop, ct.solve(shop, "exhaustive").objective) for shop in small_shops(24, 77)]


@pytest.mark.parametrize("name", METHODS)
def test_the_registry_tells_the_truth(name, shops):
    method = next(m for m in ct.methods("job-shop") if m.name == name)
    ran = 0
    for shop, optimum in shops:
        if method.unsupported(shop):
            with pytest.raises(ct.UnsupportedError, match=name):
                ct.solve(shop, name)
            continue
        result = ct.solve(shop, name, time_limit=10, iterations=200 if method.is_anytime else None, threads=1, seed=3)
        ran += 1
        assert result.termination is not ct.Termination.ERROR, (shop, result.message)
        assert result.objective is not None, shop
        assert result.objective >= optimum, shop
        assert result.bound is None or (method.uses_bound and result.bound <= optimum), shop
        if result.solution_status is ct.SolutionStatus.OPTIMAL:
            assert result.objective == optimum, shop
        if not method.is_random:
            again = ct.solve(shop, name, time_limit=10, threads=1, seed=4)
            assert again.solution == result.solution, shop
    assert ran >= 1
