"""B classical or flexible job shops as a learning environment: dispatch, be paid for the makespan.

An action is a job (classical) or ``job * O + option`` (flexible); each step schedules one operation in every shop.
As every shop's number of operations is known on the host, so is when it ends: restarts need no word from the device.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Observation, Step
from counterpoint.simulators.batched import job_shop as classical
from counterpoint.simulators.batched import job_shop_compiled as compiled
from counterpoint.simulators.batched import job_shop_flexible as flexible
from counterpoint.simulators.batched.job_shop import NEVER, Scheme, Shops
from counterpoint.simulators.batched.job_shop_bound import MakespanBound
from counterpoint.simulators.batched.job_shop_candidates import candidate_features
from counterpoint.simulators.batched.job_shop_flexible import FlexibleShops
from counterpoint.simulators.batched.job_shop_graph import Edges, NodeFeatures, edges_of
from counterpoint.simulators.batched.job_shop_random import random_flexible_shops, random_lengths, random_shops


@dataclasses.dataclass(frozen=True, slots=True)
class RandomShops:
    """Shops to draw afresh at every restart (see `job_shop_random`).

    Parameters
    ----------
    jobs, machines : int
    is_flexible : bool
    """

    jobs: int
    machines: int
    is_flexible: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Rules:
    """How the environment decides, pays and shows.

    Parameters
    ----------
    scheme : {"nondelay", "active", "append"}
        Which actions are legal.
    reward : {"dense", "sparse"}
        Dense: minus the growth of the makespan's lower bound, which adds up to minus (makespan - first bound);
        sparse: minus the makespan, at the end.
    shows : {"candidates", "graph", "both"}
        What observations hold beside the mask.
    """

    scheme: Scheme = "nondelay"
    reward: Literal["dense", "sparse"] = "dense"
    shows: Literal["candidates", "graph", "both"] = "candidates"

    def __post_init__(self) -> None:
        if self.scheme not in ("nondelay", "active", "append"):
            raise OptionError(f"scheme must be nondelay, active or append, not {self.scheme!r}")
        if self.reward not in ("dense", "sparse"):
            raise OptionError(f"reward must be dense or sparse, not {self.reward!r}")
        if self.shows not in ("candidates", "graph", "both"):
            raise OptionError(f"shows must be candidates, graph or both, not {self.shows!r}")


class JobShopEnvironment:
    """A `BatchEnvironment`.

    Observations: ``action_mask`` bool [B, A], A = n O; ``candidate`` float32 [B, A, 9]: see
    `job_shop_candidates.candidate_features`. With the graph,
    ``operation``, ``job`` and ``machine`` of `NodeFeatures`, in plain time units, written into the same memory at every
    step: copy what is to be kept. The edges are the attribute `edges`.

    An illegal action is replaced by the first legal one: a step cannot raise without waiting for the device. Elapsed
    is by how much the earliest possible start of anything grows; in total, the makespan. On CPU the steps are compiled
    (Numba), elsewhere torch's; both give the same, bit for bit.

    Parameters
    ----------
    source : RandomShops, Shops or FlexibleShops
        Drawn afresh at every restart, or row b's shop every time; the latter are copied.
    num_envs : int, optional
        B; needed with `RandomShops`.
    rules : Rules
    seed : int
    device : torch.device or str
        Of `RandomShops`; given shops stay on theirs.
    is_compiled : bool, optional
        Default: on CPU.
    """

    reward_dim = 1

    def __init__(
        self,
        source: RandomShops | Shops | FlexibleShops,
        num_envs: int | None = None,
        *,
        rules: Rules | None = None,
        seed: int = 0,
        device: torch.device | str = "cpu",
        is_compiled: bool | None = None,
    ) -> None:
        self._source, self._rules = source, rules or Rules()
        if isinstance(source, RandomShops):
            if num_envs is None or num_envs < 1:
                raise OptionError(f"num_envs must be >= 1, not {num_envs}")
            self.num_envs, self.device, self._is_flexible = num_envs, torch.device(device), source.is_flexible
        else:
            if num_envs not in (None, len(source.machine)):
                raise OptionError(f"{len(source.machine)} shops were given for {num_envs} environments")
            self.num_envs, self.device = len(source.machine), source.machine.device
            self._is_flexible = isinstance(source, FlexibleShops)
            self._lengths = source.length.sum(1).cpu().numpy()
            if not self._lengths.all():
                raise OptionError("a shop without operations cannot be dispatched")
        self.is_compiled = self.device.type == "cpu" if is_compiled is None else is_compiled
        self._twin: Any = flexible if self._is_flexible else classical
        self._generator = torch.Generator(self.device)
        self._host = torch.Generator()  # of what the host must know: how long the jobs are
        self.reset(seed)
        self.action_space = spaces.Discrete(self.shops.machine.shape[1] * self._o)
        shapes = {key: tuple(x.shape[1:]) for key, x in self._observation.items()}
        mask = spaces.MultiBinary(shapes.pop("action_mask")[0])
        boxes = {key: spaces.Box(-np.inf, np.inf, shape, np.float32) for key, shape in shapes.items()}
        self.observation_space = spaces.Dict({"action_mask": mask, **boxes})

    @property
    def edges(self) -> Edges:
        """Edges of the disjunctive graphs; built when asked for, once per set of shops (waits for the device)."""
        if self._edges is None:
            self._edges = edges_of(self.shops)
        return self._edges

    def reset(self, seed: int | None = None) -> Observation:
        """Restart every shop, drawing afresh from `seed` if given; return the first observations."""
        if seed is not None:
            self._generator.manual_seed(seed)
            self._host.manual_seed(seed)
        self._begin(*self._draw(np.arange(self.num_envs)))
        self._look(self._state())
        return self._observation

    def step(self, action: Tensor) -> Step:
        """Schedule one operation in every shop; shops that are complete restart."""
        state = self._state()
        self._advance(state, action)
        self._left -= 1
        is_over = self._left == 0
        terminated = self._to_device(torch.from_numpy(is_over))
        bound, now, makespan = self._values(state)
        paid = self._bound - bound if self._rules.reward == "dense" else torch.where(terminated, -makespan, 0)
        elapsed = (now - self._now).float()
        self._bound, self._now = bound, now
        ended = np.flatnonzero(is_over)
        if len(ended):
            self._restart(ended, self._to_device(torch.from_numpy(ended)))
        self._look(state)
        never = torch.zeros_like(terminated)
        return Step(self._observation, paid.float().unsqueeze(1), terminated, never, elapsed)

    def state_dict(self) -> dict[str, Any]:
        """Return shops, partial schedules and generators."""
        return {
            "shops": {key: x.clone() for key, x in _tensors(self.shops).items()},
            "partial": {key: x.clone() for key, x in _tensors(self.partial).items()},
            "to_come": self._potential.to_come.clone(),
            "bound": self._bound.clone(),
            "first_bound": self._first_bound.clone(),
            "now": self._now.clone(),
            "left": torch.from_numpy(self._left.copy()),
            "generator": self._generator.get_state(),
            "host": self._host.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        kind = FlexibleShops if self._is_flexible else Shops
        shops = {key: x.to(self.device, copy=True) for key, x in state["shops"].items()}
        self._begin(kind(**shops, num_machines=self.shops.num_machines), state["left"].numpy())
        for key, x in state["partial"].items():
            getattr(self.partial, key).copy_(x)
        self._potential.to_come.copy_(state["to_come"])
        self._bound, self._first_bound, self._now = (
            state[key].to(self.device, copy=True) for key in ("bound", "first_bound", "now")
        )
        self._generator.set_state(state["generator"].cpu())
        self._host.set_state(state["host"].cpu())
        self._look(self._state())

    def _draw(self, rows: np.ndarray) -> tuple[Shops | FlexibleShops, np.ndarray]:
        """Return the next shops of `rows` and how many operations each has, the latter on the host."""
        source, count = self._source, len(rows)
        if not isinstance(source, RandomShops):
            at = self._to_device(torch.from_numpy(rows))
            tensors = {key: x.index_select(0, at) for key, x in _tensors(source).items()}
            return type(source)(**tensors, num_machines=source.num_machines), self._lengths[rows]
        if not source.is_flexible:
            size = np.full(count, source.jobs * source.machines)
            return random_shops(count, source.jobs, source.machines, self._generator), size
        length = random_lengths(count, source.jobs, source.machines, self._host)
        shops = random_flexible_shops(self._to_device(length), source.machines, self._generator)
        return shops, length.sum(1).numpy()

    def _begin(self, shops: Shops | FlexibleShops, left: np.ndarray) -> None:
        """Start every shop of `shops`, which have `left` operations."""
        self.shops, self._left = shops, left.copy()
        self._length = shops.length
        self._o = shops.machine.shape[3] if self._is_flexible else 1
        self.partial = self._twin.empty(shops)
        self._potential = MakespanBound(shops)
        self._bound = self._potential.value(self.partial)
        self._first_bound = self._bound.clone()
        self._now = torch.zeros_like(self._bound)
        self._nodes = None if self._rules.shows == "candidates" else NodeFeatures(shops, is_compiled=self.is_compiled)
        self._edges: Edges | None = None

    def _restart(self, ended: np.ndarray, rows: Tensor) -> None:
        """Start the next shops of the rows that ended, in the memory of the old ones."""
        shops, left = self._draw(ended)
        self._left[ended] = left
        self._edges = None
        partial, potential = self._twin.empty(shops), MakespanBound(shops)
        bound = potential.value(partial)
        _overwrite(self.shops, shops, rows, self.num_envs)
        _overwrite(self.partial, partial, rows, self.num_envs)
        _overwrite(self._potential, potential, rows, self.num_envs)
        if self._nodes is not None:
            _overwrite(self._nodes, NodeFeatures(shops, is_compiled=self.is_compiled), rows, self.num_envs)
        self._length.index_copy_(0, rows, shops.length)
        self._bound.index_copy_(0, rows, bound)
        self._first_bound.index_copy_(0, rows, bound)
        self._now.index_fill_(0, rows, 0)

    def _state(self) -> Any:
        """Return views for the compiled loops, good until `_begin`; None without them."""
        return compiled.state_of(self.partial, self._potential, self._length) if self.is_compiled else None

    def _advance(self, state: Any, action: Tensor) -> None:
        """Take legal actions, and the first legal one in place of others."""
        mask = self._observation["action_mask"]
        if self.is_compiled:
            compiled.advance(state, self.shops, self.partial, mask, action)
            return
        at = action.unsqueeze(1)
        action = torch.where(mask.gather(1, at), at, mask.int().argmax(1, keepdim=True)).squeeze(1)
        self._potential.take(self.partial, action)
        self._twin.advance(self.shops, self.partial, action)

    def _values(self, state: Any) -> tuple[Tensor, Tensor, Tensor]:
        """Return the bound, the earliest start of anything (the makespan, if all is done) and the makespan, [B]."""
        if self.is_compiled:
            return compiled.values(state)
        makespan = self.partial.makespan
        begin = self.partial.begin.view(self.num_envs, -1).min(1).values
        return self._potential.value(self.partial), torch.where(begin >= NEVER, makespan, begin), makespan

    def _look(self, state: Any) -> None:
        """Describe the state."""
        scheme, shows, seen = self._rules.scheme, self._rules.shows, {}
        if self.is_compiled:
            seen["action_mask"] = compiled.candidates(state, scheme)
            if shows != "graph":
                seen["candidate"] = compiled.candidate_features(state, self._now, self._bound, self._first_bound)
        else:
            seen["action_mask"] = self._twin.candidates(self.partial, scheme)
            if shows != "graph":
                seen["candidate"] = candidate_features(
                    self.partial, self._potential, self._length, self._now, self._bound, self._first_bound
                )
        if self._nodes is not None:
            self._nodes.update(self.partial)
            seen |= {key: getattr(self._nodes, key) for key in ("operation", "job", "machine")}
        self._observation: Observation = seen

    def _to_device(self, x: Tensor) -> Tensor:
        """Send a host tensor on its way without waiting for it to arrive."""
        return x if self.device.type == "cpu" else x.pin_memory().to(self.device, non_blocking=True)


def _tensors(state: Any) -> dict[str, Tensor]:
    """Return the tensors a dataclass is built from, by name."""
    found = {f.name: getattr(state, f.name) for f in dataclasses.fields(state) if f.init}
    return {key: x for key, x in found.items() if isinstance(x, Tensor)}


def _overwrite(target: Any, source: Any, rows: Tensor, batch: int) -> None:
    """Copy every tensor of `source`, about c shops, into `rows` of the same tensors of `target`, about B."""
    for key in target.__slots__:
        old, new = getattr(target, key), getattr(source, key)
        # what is the same for all shops, and what is empty, stays
        if isinstance(old, Tensor) and key not in ("_first", "_place") and old.numel():
            old.view(batch, -1).index_copy_(0, rows, new.view(len(rows), -1))
