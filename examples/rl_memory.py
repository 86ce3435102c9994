"""Recurrent PPO in a T-maze: the cue is seen at the first step only, and needed at the last.

    python examples/rl_memory.py
    python examples/rl_memory.py --cell lstm --corridor 40 --seed 3

An agent walks down a corridor to a junction. Its first observation of an episode says on which side
of the junction the goal is; from then on it sees only whether it stands in the corridor or at the
junction. Turning to the goal ends the episode with a return of 1, to the other side with 0.

Corridors differ in length, so episodes end at different times and few of them where a rollout ends.
The carry is therefore reset by the step and per environment, and goes on from one rollout to the
next. Trained once more with its carry reset at every step, the same agent can only guess:
``returns.png`` in ``--out`` shows both. The program fails if the one with memory does not succeed.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array
from matplotlib.figure import Figure
from support.model import Stack, StackParams
from support.report import at_least, seed, table
from support.training import adam, compile_ahead
from tqdm import tqdm

import recurrax as rx

CELLS: dict[str, Callable[[int], rx.Cell]]
CELLS = {"elman": rx.Elman, "lstm": rx.LSTM, "gru": rx.GRU, "mgu": rx.MGU}
FEATURES = 32
ENVIRONMENTS, ROLLOUT_STEPS, EPOCHS = 64, 32, 4
DISCOUNT, TRACE = 0.97, 0.95
CLIP_RATIO, ENTROPY_BONUS = 0.2, 0.01
OPTIMIZER = adam(3e-3, clip_norm=0.5)
EPISODES_OF_EVALUATION = 2000
SOLVED_ABOVE = 0.9

LEFT, RIGHT, FORWARD = range(ACTIONS := 3)
CORRIDOR, JUNCTION = 2, 3  # what is observed; 0 and 1 are the cues LEFT and RIGHT
OBSERVATIONS = 4


class MazeState(NamedTuple):
    """The goal is LEFT or RIGHT, as the cue; the junction is at the position ``length``."""

    cue: Array
    length: Array
    position: Array
    time: Array


@dataclass(frozen=True)
class TMaze:
    """The T-maze of Bakker (2002). Its functions are for one maze; ``jax.vmap`` makes a batch."""

    longest: int

    @property
    def time_limit(self) -> int:
        return 4 * self.longest  # the first, random policy walks on at one step in three

    def reset(self, key: Array) -> MazeState:
        cue_key, length_key = jax.random.split(key)
        cue = jax.random.randint(cue_key, (), LEFT, RIGHT + 1)
        length = jax.random.randint(length_key, (), (self.longest + 1) // 2, self.longest + 1)
        return MazeState(cue, length, position=jnp.zeros_like(cue), time=jnp.zeros_like(cue))

    def observe(self, state: MazeState) -> Array:
        """(OBSERVATIONS,): the cue at the first step, then the kind of place."""
        place = jnp.where(state.position == state.length, JUNCTION, CORRIDOR)
        return jax.nn.one_hot(jnp.where(state.time == 0, state.cue, place), OBSERVATIONS)

    def step(self, state: MazeState, action: Array, key: Array) -> tuple[MazeState, Array, Array]:
        """``(state, reward, done)``; if done, the state is already the first of a new episode."""
        at_junction = state.position == state.length
        turns = at_junction & (action != FORWARD)
        walks = ~at_junction & (action == FORWARD)  # whatever else it does, it meets a wall
        after = state._replace(position=state.position + walks, time=state.time + 1)
        reward = (turns & (action == state.cue)).astype(float)
        done = turns | (after.time == self.time_limit)
        return jax.tree.map(partial(jnp.where, done), self.reset(key), after), reward, done

    def memoryless_ceiling(self) -> float:
        """The best mean return of a policy that goes by the present observation alone.

        At the junction both cues look the same, so what it does there does not depend on the cue:
        it is one action, or a lottery of actions, which is no better than the best of them.
        """
        cue, action = jnp.mgrid[: RIGHT + 1, :ACTIONS]
        ones = jnp.ones_like(cue)
        at_junction = MazeState(cue, length=ones, position=ones, time=ones)
        _, reward, _ = self.step(at_junction, action, jax.random.key(0))
        return float(reward.mean(axis=0).max())


@dataclass(frozen=True)
class Agent:
    """A recurrent cell, and a dense output: the logits of the actions, and the value."""

    cell: rx.Cell
    has_memory: bool = True
    """or else its carry is reset at every step"""

    def init(self, key: Array) -> StackParams:
        return Stack((self.cell,), out_features=ACTIONS + 1).init(key, OBSERVATIONS)

    def act(
        self, params: StackParams, carry: Any, observation: Array, is_first: Array
    ) -> tuple[Any, Array, Array]:
        """One step: (envs, OBSERVATIONS) to ``(carry, log_probs, value)``.

        The reset comes before step t and goes by ``is_first[t]``, which is ``dones[t - 1]``. By
        ``dones[t]`` it would be a step early: the cue is forgotten before the last action, which
        needs it, and what the agent saw at that step is remembered in the next episode.
        """
        zero = self.cell.initial_carry(is_first.shape)
        carry = jax.tree.map(partial(jnp.where, self._resets(is_first)[:, None]), zero, carry)
        carry, y = self.cell.step(params.cells[0], carry, observation)
        return carry, *self._output(params, y)

    def learn(
        self, params: StackParams, carry: Any, observations: Array, is_first: Array
    ) -> tuple[Array, Array]:
        """The same over a rollout: (time, envs, OBSERVATIONS) to ``(log_probs, values)``."""
        resets = self._resets(is_first)
        # A reset is to ``carry`` by default, and this one comes from the midst of an episode.
        zero = self.cell.initial_carry(is_first.shape[1:])
        _, ys = rx.unroll(
            self.cell,
            params.cells[0],
            observations,
            carry,
            time_axis=0,
            resets=resets,
            reset_carry=zero,
        )
        return self._output(params, ys)

    def _resets(self, is_first: Array) -> Array:
        return is_first if self.has_memory else jnp.ones_like(is_first)

    def _output(self, params: StackParams, y: Array) -> tuple[Array, Array]:
        outputs = y @ params.kernel + params.bias
        return jax.nn.log_softmax(outputs[..., :ACTIONS]), outputs[..., ACTIONS]


class Runners(NamedTuple):
    """What one rollout hands on to the next."""

    states: MazeState
    is_first: Array
    """(envs,): whether an episode begins with these states"""
    carry: Any
    """of the agent's cell, not yet reset"""


class Rollout(NamedTuple):
    """Arrays (time, envs, ...): what was observed, and then done."""

    observations: Array
    is_first: Array
    actions: Array
    log_probs: Array
    """of these actions"""
    values: Array
    rewards: Array
    dones: Array
    """whether the action ended the episode: ``is_first`` of the next observation"""


def start(agent: Agent, maze: TMaze, envs: int, key: Array) -> Runners:
    states = jax.vmap(maze.reset)(jax.random.split(key, envs))
    return Runners(states, jnp.ones(envs, bool), agent.cell.initial_carry((envs,)))


def collect(
    agent: Agent, maze: TMaze, params: StackParams, runners: Runners, key: Array, steps: int
) -> tuple[Runners, Rollout]:
    def step(runners: Runners, key: Array) -> tuple[Runners, Rollout]:
        states, is_first, carry = runners
        action_key, reset_key = jax.random.split(key)
        observation = jax.vmap(maze.observe)(states)
        carry, log_probs, value = agent.act(params, carry, observation, is_first)
        action = jax.random.categorical(action_key, log_probs)
        reset_keys = jax.random.split(reset_key, len(action))
        states, reward, done = jax.vmap(maze.step)(states, action, reset_keys)
        chosen = of_actions(log_probs, action)
        transition = Rollout(observation, is_first, action, chosen, value, reward, done)
        return Runners(states, done, carry), transition

    return jax.lax.scan(step, runners, jax.random.split(key, steps))


def of_actions(log_probs: Array, actions: Array) -> Array:
    return jnp.take_along_axis(log_probs, actions[..., None], axis=-1)[..., 0]


def advantages(rollout: Rollout, next_value: Array) -> Array:
    """Generalized advantage estimates (Schulman et al. 2016); ``next_value`` is after the last."""

    def step(following: tuple[Array, Array], now: Rollout) -> tuple[tuple[Array, Array], Array]:
        next_value, next_advantage = following
        discount = DISCOUNT * ~now.dones
        error = now.rewards + discount * next_value - now.values
        advantage = error + discount * TRACE * next_advantage
        return (now.values, advantage), advantage

    end = (next_value, jnp.zeros_like(next_value))
    return jax.lax.scan(step, end, rollout, reverse=True)[1]


def ppo_loss(
    params: StackParams, agent: Agent, carry: Any, rollout: Rollout, advantage: Array
) -> Array:
    """The clipped objective of Schulman et al. (2017); ``carry`` is that before the rollout."""
    log_probs, values = agent.learn(params, carry, rollout.observations, rollout.is_first)
    ratio = jnp.exp(of_actions(log_probs, rollout.actions) - rollout.log_probs)
    clipped = jnp.clip(ratio, 1 - CLIP_RATIO, 1 + CLIP_RATIO)
    scaled = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    gain = jnp.minimum(ratio * scaled, clipped * scaled).mean()
    value_loss = 0.5 * jnp.mean((values - (rollout.values + advantage)) ** 2)
    entropy = -jnp.sum(jnp.exp(log_probs) * log_probs, axis=-1).mean()
    return value_loss - gain - ENTROPY_BONUS * entropy


class Learner(NamedTuple):
    params: StackParams
    opt_state: Any
    runners: Runners


def update(learner: Learner, key: Array, *, agent: Agent, maze: TMaze) -> tuple[Learner, Array]:
    """A rollout and a few epochs on it; with it the mean return of the episodes that ended."""
    params, opt_state, before = learner
    after, rollout = collect(agent, maze, params, before, key, ROLLOUT_STEPS)
    observation = jax.vmap(maze.observe)(after.states)
    *_, next_value = agent.act(params, after.carry, observation, after.is_first)
    advantage = advantages(rollout, next_value)

    def epoch(state: tuple[Any, Any], _: None) -> tuple[tuple[Any, Any], None]:
        params, opt_state = state
        gradients = jax.grad(ppo_loss)(params, agent, before.carry, rollout, advantage)
        updates, opt_state = OPTIMIZER.update(gradients, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), None

    (params, opt_state), _ = jax.lax.scan(epoch, (params, opt_state), length=EPOCHS)
    mean_return = rollout.rewards.sum() / jnp.maximum(rollout.dones.sum(), 1)
    return Learner(params, opt_state, after), mean_return


@partial(jax.jit, static_argnums=(0, 1))
def evaluate(agent: Agent, maze: TMaze, params: StackParams, key: Array) -> Array:
    """The mean return, of one episode in each of many mazes: short ones must not count more."""
    start_key, key = jax.random.split(key)
    runners = start(agent, maze, EPISODES_OF_EVALUATION, start_key)
    _, rollout = collect(agent, maze, params, runners, key, maze.time_limit)
    in_first_episode = jnp.cumsum(rollout.is_first, axis=0) == 1
    return jnp.sum(rollout.rewards * in_first_episode) / EPISODES_OF_EVALUATION


class Result(NamedTuple):
    policy: str
    mean_return: float
    """after training"""
    ceiling: float
    """the best mean return that there is for such a policy"""
    returns: list[float]
    """the mean return during every update"""
    seconds: float
    """compilation included"""


def run(agent: Agent, maze: TMaze, args: argparse.Namespace) -> Result:
    name = args.cell if agent.has_memory else f"{args.cell}, no memory"
    init_key, start_key, train_key, test_key = jax.random.split(jax.random.key(args.seed), 4)
    params, returns, begin = agent.init(init_key), [], perf_counter()
    runners = start(agent, maze, ENVIRONMENTS, start_key)
    learner = Learner(params, OPTIMIZER.init(params), runners)
    compiled = compile_ahead(partial(update, agent=agent, maze=maze), learner, train_key)
    with tqdm(range(args.updates), desc=name, unit="update") as bar:
        for number in bar:
            learner, mean_return = compiled(learner, jax.random.fold_in(train_key, number))
            returns.append(float(mean_return))
            bar.set_postfix_str(f"return {returns[-1]:.2f}", refresh=False)
    mean_return = float(evaluate(agent, maze, learner.params, test_key))
    ceiling = 1.0 if agent.has_memory else maze.memoryless_ceiling()
    return Result(name, mean_return, ceiling, returns, perf_counter() - begin)


def plot(path: Path, results: Sequence[Result]) -> None:
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    ax = figure.subplots()
    for number, result in enumerate(results):
        ax.plot(range(1, len(result.returns) + 1), result.returns, label=result.policy)
        ax.axhline(result.ceiling, color=f"C{number}", linestyle=":", linewidth=1)
    ax.set(xlabel="update", ylabel="mean return (dotted: ceiling)", ylim=(0, 1.05))
    ax.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def table_of(maze: TMaze, results: Sequence[Result]) -> str:
    rows = [
        (r.policy, f"{r.mean_return:.3f}", f"{r.ceiling:.3f}", f"{r.seconds:.0f}") for r in results
    ]
    title = f"T-maze, corridors of at most {maze.longest} steps"
    return table(title, ("policy", "mean return", "ceiling", "seconds"), rows)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cell", choices=CELLS, default="gru")
    parser.add_argument(
        "--corridor", type=at_least(1), default=20, help="the longest; the shortest is half of it"
    )
    parser.add_argument("--updates", type=at_least(1), default=600, help="as many rollouts")
    parser.add_argument("--quick", action="store_true", help="--corridor 3 --updates 60")
    parser.add_argument("--seed", type=seed, default=0, help="of all that is random")
    parser.add_argument("--out", type=Path, default=Path("out/rl_memory"), help="a folder")
    args = parser.parse_args(argv)
    if args.quick:
        args.corridor, args.updates = 3, 60
    return args


def main(argv: Sequence[str] | None = None) -> list[Result]:
    args = parse(argv)
    maze, cell = TMaze(args.corridor), CELLS[args.cell](FEATURES)
    results = [run(Agent(cell, has_memory), maze, args) for has_memory in (True, False)]
    print(f"\n{table_of(maze, results)}")
    plot(args.out / "returns.png", results)
    print(f"\nThe plot is in {args.out}.")
    if (reached := results[0].mean_return) < SOLVED_ABOVE:
        raise SystemExit(
            f"rl_memory.py: {args.cell} did not solve the maze: its mean return is {reached:.3f}, "
            f"below {SOLVED_ABOVE}. Give it more --updates."
        )
    return results


if __name__ == "__main__":
    main()
