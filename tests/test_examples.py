"""The examples run: for a few epochs here, in full under ``pytest -m slow``."""

import json

import compare_cells
import jax
import long_memory
import numpy as np
import pytest

from .helpers import assert_identical

pytestmark = pytest.mark.usefixtures("as_users_have_it")


def compare(tmp_path, *arguments):
    return compare_cells.main([*arguments, "--out", str(tmp_path)])


@pytest.mark.parametrize("task", compare_cells.TASKS)
def test_the_loss_of_every_cell_falls(task, tmp_path, capsys):
    epochs = "2" if task == "digits-pixels" else "5"
    results = compare(tmp_path, "--task", task, "--epochs", epochs)
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


def test_a_resumed_run_is_the_uninterrupted_run_to_the_last_bit(tmp_path):
    options = ("--task", "sunspots", "--cells", "ugrnn", "--seed", "3")
    (straight,) = compare(tmp_path / "straight", *options, "--epochs", "6")
    compare(tmp_path / "parts", *options, "--epochs", "2")
    (resumed,) = compare(tmp_path / "parts", *options, "--epochs", "6", "--resume")
    assert_identical(resumed.state, straight.state)
    assert resumed.history == straight.history
    assert resumed.test_score == straight.test_score
    (other_seed,) = compare(tmp_path / "other", *options[:-1], "4", "--epochs", "6")
    assert other_seed.history != straight.history


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


@pytest.mark.parametrize("task", long_memory.TASKS)
def test_long_memory_learns_something_on_short_sequences(task, tmp_path):
    options = ("--task", task, "--length", "12", "--cells", "gru", "--steps", "300")
    (result,) = long_memory.main([*options, "--out", str(tmp_path)])
    assert result.test_error < 0.5 * long_memory.TASKS[task].baseline


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
