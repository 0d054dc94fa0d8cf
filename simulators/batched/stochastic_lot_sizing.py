"""The plant of parallel machines in B copies at once: the torch twin of `simulators.stochastic_lot_sizing`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Observation, Step
from counterpoint.opt.problems.stochastic_lot_sizing import Scenario, StochasticLotSizing
from counterpoint.simulators.batched import stochastic_lot_sizing_kernels as kernels
from counterpoint.simulators.batched.alias import Alias

STATE = ("stock", "setup", "period", "setup_reward", "random")


class StochasticLotSizingEnvironment:
    """B plants; a `BatchEnvironment` and a `PostDecisionEnvironment`.

    The reward is minus the cost of the period. It is cut off after the horizon, where its value must be bootstrapped:
    the plant would go on. On CPU the steps are compiled (Numba), elsewhere torch's; both do the same but draw different
    numbers, as devices do. The observation is ``inventory``, a share of the limit [B, I], ``setup``, one-hot
    [B, M (I + 1)], and ``action_mask`` [B, M (I + 1)]; it is written into the same memory every time, by `post` too:
    copy what is to be kept. An action is a choice per machine, int64 [B, M]: 0 idle, i + 1 item i. A compiled step
    costs O(B (M + I)).

    Parameters
    ----------
    instance : StochasticLotSizing
    num_envs : int
    is_faithful : bool
        Let a machine be given an item that it cannot make, as the published environment does.
    is_staggered : bool
        Cut the first episodes off at different times, so that rollouts see every period.
    dtype : torch.dtype
        Of stocks and costs; float32 holds every stock exactly.
    device : str or torch.device
    is_compiled : bool, optional
        Default: on CPU.

    Attributes
    ----------
    stock : float tensor [B, I]
        Units.
    setup : int64 tensor [B, M]
    setup_reward : float tensor [B]
        Minus the setup costs of the last `post`: the certain part of the reward.
    """

    reward_dim = 1

    def __init__(
        self,
        instance: StochasticLotSizing,
        num_envs: int = 64,
        *,
        is_faithful: bool = False,
        is_staggered: bool = False,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
        is_compiled: bool | None = None,
    ) -> None:
        if num_envs < 1:
            raise OptionError("num_envs must be at least 1")
        self.instance, self.num_envs, self.is_staggered = instance, num_envs, is_staggered
        self.device = torch.device(device)
        self.is_compiled = self.device.type == "cpu" if is_compiled is None else is_compiled
        self.generator = torch.Generator(self.device)
        self.generators = [self.generator]
        machines, items = self.num_machines, self.num_items = instance.num_machines, instance.num_items

        def table(array: Any) -> Tensor:  # of [M, I], with a column in front for idle machines, flat
            padded = np.hstack([np.zeros((machines, 1)), array])
            return torch.tensor(padded.ravel(), dtype=dtype, device=self.device)

        self._production, self._loss, self._cost = (
            table(x) for x in (instance.production, instance.setup_loss, instance.setup_cost)
        )
        self._row = torch.arange(machines, device=self.device) * (items + 1)
        self._holding, self._lost_sales, self._limit = (
            torch.tensor(x, dtype=dtype, device=self.device)
            for x in (instance.holding_cost, instance.lost_sales_cost, instance.max_inventory)
        )
        self._alias = Alias(instance.demand_probability, dtype, self.device)
        able = instance.can_choose if not is_faithful else np.ones((machines, items + 1), bool)
        self._mask = torch.tensor(able.ravel(), device=self.device).expand(num_envs, -1)
        self._fixed = (
            torch.tensor(instance.initial_inventory, dtype=dtype, device=self.device),
            torch.tensor(instance.initial_setup, device=self.device),
        )
        makes = torch.tensor(instance.can_choose[:, 1:], dtype=torch.float32, device=self.device)
        self._makes_any = makes.any(1)
        self._makes = torch.where(self._makes_any.unsqueeze(1), makes, 1.0)
        self._stock = torch.zeros(num_envs, items + 1, dtype=dtype, device=self.device)  # column 0: of idle machines
        self.stock = self._stock[:, 1:]
        self.setup = torch.zeros(num_envs, machines, dtype=torch.int64, device=self.device)
        self.period = torch.zeros(num_envs, dtype=torch.int64, device=self.device)
        self.setup_reward = torch.zeros(num_envs, dtype=dtype, device=self.device)
        self._never = torch.zeros(num_envs, dtype=torch.bool, device=self.device)
        self._one_period = torch.ones(num_envs, device=self.device)
        self.lost = torch.zeros_like(self.stock, memory_format=torch.contiguous_format)
        self.random = torch.zeros(num_envs, dtype=torch.int64, device=self.device)  # of compiled draws
        share, one_hot = (torch.zeros(num_envs, n, device=self.device) for n in (items, machines * (items + 1)))
        self._seen: Observation = {"inventory": share, "setup": one_hot, "action_mask": self._mask}
        self._take_views()
        self.observation_space = spaces.Dict(
            {
                "inventory": spaces.Box(0.0, 1.0, (items,), np.float32),
                "setup": spaces.MultiBinary(machines * (items + 1)),
                "action_mask": spaces.MultiBinary(machines * (items + 1)),
            }
        )
        self.action_space = spaces.MultiDiscrete([items + 1] * machines)
        self.reset(0)

    def reset(self, seed: int | None = None) -> Observation:
        """Start every copy again."""
        if seed is not None:
            self.generator.manual_seed(seed)
        self.random.random_(generator=self.generator)
        stock, setup = self._start()
        self.stock.copy_(stock)
        self.setup.copy_(setup)
        self.period.zero_()
        if self.is_staggered:
            horizon = self.instance.horizon
            drawn = torch.randint(horizon, self.period.shape, generator=self.generator, device=self.device)
            self.period.copy_(drawn)
        return self._observe()

    def load_scenarios(self, scenarios: Sequence[Scenario]) -> tuple[Observation, Tensor]:
        """Start copy b as scenario b says; return what is seen, and the demands [T, B, I] to pass to `exogenous`."""
        if len(scenarios) != self.num_envs:
            raise OptionError(f"{len(scenarios)} scenarios for {self.num_envs} copies")
        self.stock.copy_(torch.tensor(np.array([s.inventory for s in scenarios])))
        self.setup.copy_(torch.tensor(np.array([s.setup for s in scenarios])))
        self.period.zero_()
        demand = torch.tensor(np.stack([s.demand for s in scenarios], 1), dtype=self.stock.dtype, device=self.device)
        return self._observe(), demand

    def step(self, action: Tensor) -> Step:
        """Set up and produce, then meet demand."""
        if not self.is_compiled:
            self._produce(action)
            return self.exogenous()
        reward, truncated = torch.empty_like(self.setup_reward), torch.empty_like(self._never)
        how = kernels.step(self._plants, self._array(action), self.instance.horizon, reward.numpy(), truncated.numpy())
        if how == kernels.OUT_OF_RANGE:
            raise self._out_of_range()
        return self._finished(reward, truncated, how == kernels.ENDS)

    def post(self, action: Tensor) -> Observation:
        """Set up and produce; what is observed is the stock with it, and the new setups."""
        if not self.is_compiled:
            self._produce(action)
            return self._observe()
        if kernels.produce(self._plants, self._array(action)) == kernels.OUT_OF_RANGE:
            raise self._out_of_range()
        return dict(self._seen)

    def exogenous(self, demand: Tensor | None = None) -> Step:
        """Meet demand, float [B, I], drawn unless given, and finish the period."""
        if not self.is_compiled:
            reward = self._sell(self._alias.draw(self.num_envs, self.generator) if demand is None else demand)
            self.period += 1
            truncated = self.period >= self.instance.horizon
            self._observe()
            # asking a GPU whether any would make it wait
            return self._finished(reward, truncated, self.device.type != "cpu" or bool(truncated.any()))
        reward, truncated = torch.empty_like(self.setup_reward), torch.empty_like(self._never)
        period = (self.instance.horizon, reward.numpy(), truncated.numpy())
        if demand is None:
            how = kernels.draw_and_sell(self._plants, *period)
        elif demand.shape != self.stock.shape:
            raise OptionError(f"demands are {list(self.stock.shape)}, not {list(demand.shape)}")
        else:
            how = kernels.sell(self._plants, demand.to(self._stock.dtype).contiguous().numpy(), *period)
        return self._finished(reward, truncated, how == kernels.ENDS)

    def state_dict(self) -> dict[str, Any]:
        """Return stocks, setups, periods, what `post` noted and the state of random numbers."""
        own = {name: getattr(self, name).clone() for name in STATE}
        return {**own, "generator": self.generator.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        for name in STATE:
            getattr(self, name).copy_(state[name])
        self.generator.set_state(state["generator"])
        self._observe()

    def __getstate__(self) -> dict[str, Any]:
        """Leave the views out: those of a copy would be of other memory than its tensors."""
        return {key: value for key, value in self.__dict__.items() if key != "_plants"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.stock = self._stock[:, 1:]
        self._take_views()

    def _take_views(self) -> None:
        """Note the tensors as arrays, once: asking for a view takes as long as a small kernel."""
        if not self.is_compiled:
            return
        shape = (self.num_items, self._alias.count)
        tensors = (
            self._production, self._loss, self._cost, self._limit, self._lost_sales, self._holding,
            self._alias.keep.view(shape), self._alias.other.view(shape), self._stock, self.setup, self.setup_reward,
            self.period, self.random, self.lost, self._seen["inventory"], self._seen["setup"],
        )  # fmt: skip
        plants = kernels.Plants(*(x.numpy() for x in tensors))
        self._plants = plants._replace(random=plants.random.view(np.uint64))

    def _array(self, action: Tensor) -> Any:
        """Return the action as compiled steps take it."""
        if action.shape != self.setup.shape or action.is_floating_point():
            raise OptionError(f"an action is {list(self.setup.shape)} whole numbers, not {list(action.shape)}")
        return action.contiguous().numpy()

    def _out_of_range(self) -> OptionError:
        return OptionError(f"an action is out of range: expected 0 (idle) or 1..{self.num_items}")

    def _produce(self, action: Tensor) -> None:
        entry = action + self._row
        is_new = action != self.setup  # costs and loses nothing where idle: the tables are 0 there
        self._stock.scatter_add_(1, action, self._production[entry] - self._loss[entry] * is_new)
        torch.sum(self._cost[entry] * is_new, 1, out=self.setup_reward).neg_()
        self.setup.copy_(action)

    def _sell(self, demand: Tensor) -> Tensor:
        """Meet demand in place; return the reward [B]."""
        left = self.stock - demand
        torch.clamp(-left, min=0, out=self.lost)
        self.stock.copy_(torch.minimum(left.clamp_(min=0), self._limit))
        return self.setup_reward - self.lost @ self._lost_sales - self.stock @ self._holding

    def _finished(self, reward: Tensor, truncated: Tensor, may_restart: bool) -> Step:
        """Start the copies again whose horizon is reached, and return the step; what is seen is written already."""
        seen = final = dict(self._seen)
        if may_restart:
            final = {key: x.clone() for key, x in seen.items()}
            stock, setup = self._start()
            self.stock.copy_(torch.where(truncated.unsqueeze(1), stock, self.stock))
            self.setup.copy_(torch.where(truncated.unsqueeze(1), setup, self.setup))
            self.period.masked_fill_(truncated, 0)
            self._observe()
        return Step(seen, reward.unsqueeze(1), self._never, truncated, self._one_period, final)

    def _start(self) -> tuple[Tensor, Tensor]:
        """Return stocks [B, I] and setups [B, M] of episodes that begin."""
        if not self.instance.is_random_start:
            return self._fixed
        uniform = torch.rand(self.num_envs, self.num_items, generator=self.generator, device=self.device)
        stock = (uniform * self._limit).floor().clamp(max=self._limit - 1)
        drawn = torch.multinomial(self._makes, self.num_envs, replacement=True, generator=self.generator).T
        return stock, (drawn + 1) * self._makes_any

    def _observe(self) -> Observation:
        """Write stocks as shares of their limits, and setups one-hot."""
        if self.is_compiled:
            kernels.show(self._plants)
        else:
            self._seen["inventory"].copy_(self.stock / self._limit)
            self._seen["setup"].zero_().scatter_(1, self.setup + self._row, 1.0)
        return dict(self._seen)
