"""The examples run: for a few epochs here, in full under ``pytest -m slow``."""

import itertools
import json

import compare_cells
import jax
import long_memory
import numpy as np
import pytest

from tests.helpers import assert_identical

pytestmark = pytest.mark.usefixtures("as_users_have_it")


def compare(tmp_path, *arguments):
    return compare_cells.main([*arguments, "--out", str(tmp_path)])


@pytest.mark.parametrize(
    "task",
    [
        pytest.param(task, marks=pytest.mark.slow if task == "digits-pixels" else ())
        for task in compare_cells.TASKS
    ],
)
def test_the_loss_of_every_cell_falls(task, tmp_path, capsys):
    results = compare(tmp_path, "--task", task, "--epochs", "2")
    assert [r.cell for r in results] == list(compare_cells.CELLS)
    for result in results:
        losses = result.history.train_loss
        assert losses[-1] < losses[0], result.cell
        assert np.isfinite(result.test_score)
        assert result.step_ms > 0
    for plot in ("learning_curves.png", "gradient_flow.png"):
        assert (tmp_path / plot).read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    for word in ("parameters", "ms per step", results[0].cell, task):
        assert word in printed


@pytest.mark.once
def test_a_resumed_run_is_the_uninterrupted_run_to_the_last_bit(tmp_path):
    options = ("--task", "sunspots", "--cells", "ugrnn", "--seed", "3")
    (straight,) = compare(tmp_path / "straight", *options, "--epochs", "4")
    compare(tmp_path / "parts", *options, "--epochs", "2")
    (resumed,) = compare(tmp_path / "parts", *options, "--epochs", "4", "--resume")
    assert_identical(resumed.state, straight.state)
    assert resumed.history == straight.history
    assert resumed.test_score == straight.test_score
    (other_seed,) = compare(tmp_path / "other", *options[:-1], "4", "--epochs", "4")
    assert other_seed.history != straight.history


@pytest.mark.once
def test_a_checkpoint_of_other_settings_is_not_resumed(tmp_path):
    options = ("--task", "sunspots", "--cells", "gru", "--epochs", "1")
    compare(tmp_path, *options, "--seed", "1")
    with pytest.raises(SystemExit, match="seed = 1, now 2"):
        compare(tmp_path, *options, "--seed", "2", "--resume")


@pytest.mark.parametrize(
    "arguments", [("--task", "mnist"), ("--cells", "transformer"), ("--epochs", "0")]
)
def test_an_unknown_argument_is_refused(arguments, tmp_path, capsys):
    with pytest.raises(SystemExit):
        compare(tmp_path, *arguments)
    assert arguments[1] in capsys.readouterr().err


@pytest.mark.once
@pytest.mark.parametrize("task", long_memory.TASKS)
def test_long_memory_learns_something_on_short_sequences(task, tmp_path):
    options = ("--task", task, "--length", "12", "--cells", "gru", "--steps", "300")
    (result,) = long_memory.main([*options, "--out", str(tmp_path)])
    assert result.test_error < 0.5 * long_memory.TASKS[task].baseline


@pytest.mark.once
def test_the_gradient_flow_is_the_derivative_by_finite_differences():
    """At the last step, the norm of d loss / d carry of a stack, against a direct derivative."""
    from support.gradient_flow import gradient_flow
    from support.model import Stack
    from support.training import Split

    import recurrax as rx

    def loss(outputs, ys):
        return ((outputs[:, 0] - ys) ** 2).mean()

    model = Stack((rx.GRU(4), rx.Elman(3)), 1)
    params = model.init(jax.random.key(0), 2)
    xs = jax.random.normal(jax.random.key(1), (5, 6, 2))
    ys = jax.random.normal(jax.random.key(2), (5,))
    flow = gradient_flow(model, params, loss, Split(xs, ys))
    assert flow.shape == (6,)

    def one_row(carries, x, y):
        h = x
        for cell, p, carry in zip(model.cells, params.cells, carries, strict=True):
            _, h = cell.step(p, carry, h)
        return ((h @ params.kernel + params.bias)[0] - y) ** 2

    norms = []
    for x, y in zip(xs, ys, strict=True):
        carries, h = [], x[:-1]
        for cell, p in zip(model.cells, params.cells, strict=True):
            carry, h = rx.unroll(cell, p, h)
            carries.append(carry)
        grads = jax.tree.leaves(jax.grad(one_row)(tuple(carries), x[-1], y))
        norms.append(np.sqrt(sum(np.sum(np.square(g)) for g in grads)))
    np.testing.assert_allclose(flow[-1], np.mean(norms), rtol=1e-5)


@pytest.mark.slow
def test_lstm_and_gru_beat_the_naive_baselines(tmp_path):
    results = {(r.task, r.cell): r for r in compare(tmp_path)}
    for cell in ("lstm", "gru"):
        assert results["digits-rows", cell].test_score >= 0.90
        assert results["digits-pixels", cell].test_score >= 0.80
        sunspots = results["sunspots", cell]
        assert sunspots.test_score < 0.9 * sunspots.baseline
    saved = list(tmp_path.rglob("_CHECKPOINT_METADATA"))
    assert len(saved) == len(results)
    assert all(json.loads(path.read_text()) for path in saved)


@pytest.mark.slow
def test_gated_cells_solve_what_a_tanh_network_does_not(tmp_path):
    results = long_memory.main(["--length", "100", "--out", str(tmp_path)])
    for task in long_memory.TASKS:
        verdicts = {r.cell: r.verdict for r in results if r.task == task}
        assert verdicts["elman"] == "not solved"
        assert verdicts["lstm-chrono"] == verdicts["gru-chrono"] == "solved"


@pytest.fixture
def rl():
    import rl_memory

    return rl_memory


def maze_after(rl, actions, cue=0, length=2, longest=2):
    """``(state, reward, done)`` after these actions, the last of which may end the episode."""
    maze = rl.TMaze(longest)
    state = rl.MazeState(*map(jax.numpy.asarray, (cue, length, 0, 0)))
    reward, done = jax.numpy.zeros(()), jax.numpy.zeros((), bool)
    for action in actions:
        assert not done
        state, reward, done = maze.step(state, jax.numpy.asarray(action), jax.random.key(5))
    return state, float(reward), bool(done)


@pytest.mark.parametrize("cue", [0, 1])
def test_the_maze_pays_for_the_turn_to_the_cue(rl, cue):
    to_junction = [rl.FORWARD, rl.FORWARD]
    _, reward, done = maze_after(rl, to_junction, cue)
    assert (reward, done) == (0, False)
    for turn in (rl.LEFT, rl.RIGHT):
        _, reward, done = maze_after(rl, [*to_junction, turn], cue)
        assert (reward, done) == (turn == cue, True)


def test_the_maze_has_walls(rl):
    for action in (rl.LEFT, rl.RIGHT):
        state, reward, done = maze_after(rl, [action])
        assert (int(state.position), int(state.time), reward, done) == (0, 1, 0, False)
    state, reward, done = maze_after(rl, [rl.FORWARD] * 3)
    assert (int(state.position), int(state.time), reward, done) == (2, 3, 0, False)


def test_the_maze_shows_the_cue_at_the_first_step_only(rl):
    def seen(actions, cue):
        state, _, _ = maze_after(rl, actions, cue)
        return int(rl.TMaze(2).observe(state).argmax())

    for cue in (rl.LEFT, rl.RIGHT):
        assert seen([], cue) == cue
        assert seen([rl.LEFT], cue) == rl.CORRIDOR  # the same place, a step later
        assert seen([rl.FORWARD], cue) == rl.CORRIDOR
        assert seen([rl.FORWARD] * 2, cue) == rl.JUNCTION


def test_an_episode_that_ends_is_followed_by_a_new_one(rl):
    first = rl.TMaze(2).reset(jax.random.key(5))
    for actions in ([rl.FORWARD, rl.FORWARD, rl.LEFT], [rl.LEFT] * rl.TMaze(2).time_limit):
        state, _, done = maze_after(rl, actions)
        assert done
        assert_identical(state, first)
    states = jax.vmap(rl.TMaze(5).reset)(jax.random.split(jax.random.key(0), 200))
    assert set(states.cue.tolist()) == {rl.LEFT, rl.RIGHT}
    assert set(states.length.tolist()) == {3, 4, 5}
    assert not states.position.any()
    assert not states.time.any()


def test_without_memory_half_of_the_mazes_are_solved_at_best(rl):
    assert rl.TMaze(7).memoryless_ceiling() == 0.5


def second_rollout(rl, agent, params, steps=12, envs=6):
    """One that goes on from another: ``(carry before it, rollout)``."""
    maze = rl.TMaze(2)
    first_key, second_key = jax.random.split(jax.random.key(3))
    runners = rl.start(agent, maze, envs, jax.random.key(4))
    runners, _ = rl.collect(agent, maze, params, runners, first_key, steps)
    _, rollout = rl.collect(agent, maze, params, runners, second_key, steps)
    assert rollout.is_first.any()
    assert not rollout.is_first[0].all()  # some episodes began in the rollout before
    assert len({tuple(row) for row in rollout.is_first.T.tolist()}) > 1
    np.testing.assert_array_equal(rollout.is_first[1:], rollout.dones[:-1])
    return runners.carry, rollout


@pytest.mark.once
@pytest.mark.parametrize(
    ("cell", "has_memory"),
    [("elman", True), ("lstm", True), ("gru", True), ("mgu", True), ("gru", False)],
)
def test_the_learner_recomputes_what_the_actor_did(rl, cell, has_memory):
    agent = rl.Agent(rl.CELLS[cell](8), has_memory)
    params = agent.init(jax.random.key(0))
    carry, rollout = second_rollout(rl, agent, params)
    log_probs, values = agent.learn(params, carry, rollout.observations, rollout.is_first)
    chosen = rl.of_actions(log_probs, rollout.actions)
    np.testing.assert_allclose(chosen, rollout.log_probs, atol=1e-5)
    np.testing.assert_allclose(values, rollout.values, atol=1e-5)

    # Were the resets a step early, or left out, only a policy with memory would notice.
    for wrong in (rollout.dones, jax.numpy.zeros_like(rollout.dones)):
        log_probs, _ = agent.learn(params, carry, rollout.observations, wrong)
        error = jax.numpy.abs(rl.of_actions(log_probs, rollout.actions) - rollout.log_probs).max()
        assert (error > 1e-3) == has_memory


def test_advantages_are_the_sums_of_discounted_errors_within_an_episode(rl, rng):
    values, rewards = rng.normal(size=(8, 6)), rng.normal(size=(7, 6))
    dones = rng.random((7, 6)) < 0.3
    expected = np.zeros((7, 6))
    for t, env in np.ndindex(7, 6):
        weight = 1.0
        for later in range(t, 7):
            ahead = 0 if dones[later, env] else rl.DISCOUNT * values[later + 1, env]
            expected[t, env] += weight * (rewards[later, env] + ahead - values[later, env])
            weight *= rl.DISCOUNT * rl.TRACE
            if dones[later, env]:
                break
    arrays = jax.tree.map(jax.numpy.asarray, (values[:-1], rewards, dones))
    rollout = rl.Rollout(None, None, None, None, *arrays)
    advantages = rl.advantages(rollout, jax.numpy.asarray(values[-1]))
    np.testing.assert_allclose(advantages, expected, atol=1e-5)


def test_rl_memory_solves_a_short_maze_that_needs_memory(rl, tmp_path, capsys):
    with_memory, without = rl.main(["--quick", "--out", str(tmp_path)])
    assert with_memory.mean_return > rl.SOLVED_ABOVE
    assert without.mean_return < without.ceiling + 0.05
    assert len(without.returns) == len(with_memory.returns) == 60
    assert (tmp_path / "returns.png").read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    for word in ("gru, no memory", "ceiling", f"{with_memory.mean_return:.3f}"):
        assert word in printed


def test_rl_memory_fails_if_the_maze_is_not_solved(rl, tmp_path, monkeypatch):
    unsolved = rl.Result("lstm", mean_return=0.5, ceiling=1.0, returns=[0.3, 0.5], seconds=1.0)
    monkeypatch.setattr(rl, "run", lambda *_: unsolved)
    with pytest.raises(SystemExit, match=r"lstm did not solve the maze.*0\.500") as failure:
        rl.main(["--cell", "lstm", "--out", str(tmp_path)])
    assert isinstance(failure.value.code, str)  # printed by Python, with a status of 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_rl_memory_solves_the_maze(rl, tmp_path, seed):
    with_memory, without = rl.main(["--seed", seed, "--out", str(tmp_path)])
    assert with_memory.mean_return > 0.95
    assert without.mean_return < without.ceiling + 0.05


@pytest.fixture
def lm():
    import char_lm

    return char_lm


def tiny(lm, out, *arguments):
    options = ("--layers", "2", "--features", "8", "--characters", "10000", "--length", "20")
    return lm.main([*options, *arguments, "--out", str(out)])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_char_lm_learns_something_and_continues_a_prompt(lm, tmp_path, capsys, cell):
    result = tiny(lm, tmp_path, "--cell", cell, "--steps", "40", "--prompt", "import ")
    assert result.history.held_out_at == list(range(4, 41, 4))
    assert result.bits == result.history.held_out[-1] < result.history.held_out[0]
    assert result.sample.startswith("import ")
    assert len(result.sample) == len("import ") + 20
    assert (tmp_path / "bits_per_character.png").read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    for word in (f"{cell}, 2 x 8", f"{result.bits:.3f}", f"{result.baseline:.3f}", result.sample):
        assert word in printed


@pytest.mark.once
def test_char_lm_interrupted_and_resumed_is_the_uninterrupted_run(lm, tmp_path, monkeypatch):
    """Stopped between two saves, in the second reading of the text, where the carry matters."""
    calls = itertools.count(1)

    class Interrupted(lm.tqdm):
        def update(self, n=1):
            if self.n == 25:
                raise KeyboardInterrupt
            return super().update(n)

    options = ("--steps", "30", "--seed", "3", "--layers", "1")
    straight = tiny(lm, tmp_path / "straight", *options)
    with monkeypatch.context() as patch:
        patch.setattr(lm.Checkpoints, "is_due", lambda _: next(calls) % 11 == 0)
        patch.setattr(lm, "tqdm", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            tiny(lm, tmp_path / "parts", *options)
    resumed_from = []

    class Watched(lm.tqdm):
        def __init__(self, *args, **kwargs):
            resumed_from.append(kwargs["initial"])
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(lm, "tqdm", Watched)
    resumed = tiny(lm, tmp_path / "parts", *options, "--resume")
    assert resumed_from == [22]
    keys = [jax.random.key_data(r.state.key) for r in (resumed, straight)]
    assert_identical(*keys)
    assert_identical(resumed.state._replace(key=None), straight.state._replace(key=None))
    assert resumed.history == straight.history
    assert (resumed.bits, resumed.sample) == (straight.bits, straight.sample)
    again = tiny(lm, tmp_path / "parts", *options, "--resume")  # it is complete
    assert (again.history, again.sample) == (straight.history, straight.sample)


def test_char_lm_does_not_resume_with_other_settings(lm, tmp_path):
    tiny(lm, tmp_path, "--steps", "1", "--seed", "1")
    with pytest.raises(SystemExit, match="seed = 1, now 2"):
        tiny(lm, tmp_path, "--steps", "1", "--seed", "2", "--resume")


@pytest.mark.parametrize(
    "arguments", [("--cell", "transformer"), ("--temperature", "0"), ("--temperature", "nan")]
)
def test_char_lm_refuses_an_unknown_argument(lm, arguments, tmp_path, capsys):
    with pytest.raises(SystemExit):
        tiny(lm, tmp_path, *arguments)
    assert arguments[1] in capsys.readouterr().err


def test_flags_given_win_over_those_of_quick(lm):
    args = lm.parse(["--steps", "7", "--quick"])
    assert (args.steps, args.features) == (7, lm.QUICK["features"])


def test_a_cold_sample_is_the_most_probable_text(lm):
    cell = lm.model("gru", 8, 1)
    params = cell.init(jax.random.key(0), len(lm.ALPHABET))
    params = jax.tree.map(lambda a: 3 * a, params)  # so that no two logits are close
    text = lm.sample(cell, params, "def ", 12, 1e-6, jax.random.key(1))
    carry, logits = read(lm, cell, params, "\ndef ")
    for character in text[len("def ") :]:
        assert character == lm.ALPHABET[int(logits.argmax())]
        carry, logits = cell.step(params, carry, lm.one_hot(lm.encode(character)[0]))


def read(lm, cell, params, text):
    """The carry and the logits after ``text``."""
    carry, logits = lm.rx.unroll(cell, params, lm.one_hot(lm.encode(text)))
    return carry, logits[-1]


def test_text_is_encoded_and_back():
    from support import source_text

    text = "def f(x):\n    return '~ \\'"
    assert source_text.decode(source_text.encode(text)) == text
    assert source_text.decode(source_text.encode("\té\f")) == "???"


def test_held_out_files_are_not_trained_on():
    from support import source_text

    train, held_out = map(source_text.decode, source_text.python_source(300_000, 20_000))
    assert (len(train), len(held_out)) == (300_000, 20_000)
    assert not any(held_out[at : at + 200] in train for at in range(0, 19_800, 1000))
    with pytest.raises(ValueError, match="9,000,000,000 characters"):
        source_text.python_source(9_000_000_000, 1)


def test_the_count_baseline_is_that_by_hand():
    """Training text ABABA, held out B; every discount is 1/2, for lack of counts of 1 to 4."""
    from support import kneser_ney

    bits = kneser_ney.bits_per_character(np.array([0, 1, 0, 1, 0]), np.array([1]), symbols=2)
    # n = 1: B came 2 times of 5, and each of 2 symbols has given 1/2 to the uniform 1/2.
    of_one = (2 - 1 / 2 + 2 * 1 / 2 * 1 / 2) / 5
    # Below n = 2, before A stood the start and B, and before B stood A: B has 1 of 3.
    lower = (1 - 1 / 2 + 2 * 1 / 2 * 1 / 2) / 3
    # n = 2: after A always B, 2 times.
    of_two = (2 - 1 / 2 + 1 / 2 * lower) / 2
    assert (of_one, of_two) == (pytest.approx(2 / 5), pytest.approx(5 / 6))
    np.testing.assert_allclose(bits[:2], -np.log2([of_one, of_two]), rtol=1e-12)


def test_the_count_baseline_is_a_distribution(rng):
    from support import kneser_ney

    symbols = 5
    train = np.minimum(rng.geometric(0.4, size=2000), symbols) - 1
    each = [kneser_ney.bits_per_character(train, np.array([c]), symbols) for c in range(symbols)]
    np.testing.assert_allclose(np.exp2(-np.array(each)).sum(axis=0), 1, rtol=1e-12)


def test_discounts_are_those_of_chen_and_goodman():
    from support import kneser_ney

    # 8 strings were seen once, 4 twice, 3 three times, 2 four times, one 9 times: Y = 8/16.
    counts = np.repeat([1, 2, 3, 4, 9], [8, 4, 3, 2, 1])
    expected = [0, 1 - 2 * 0.5 * 4 / 8, 2 - 3 * 0.5 * 3 / 4, 3 - 4 * 0.5 * 2 / 3]
    np.testing.assert_allclose(kneser_ney._discounts(counts), expected)


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["0", "1"])
def test_char_lm_beats_counting(lm, tmp_path, seed):
    result = lm.main(["--seed", seed, "--out", str(tmp_path)])
    assert result.bits < result.baseline
