"""The plans of known steps, forward and backward, as text.

``python -m tests.program.test_plan_text`` writes the files anew; read the difference before you
commit it.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

import recurrax as rx
from recurrax.explain.step_report import backward_step
from recurrax.program.calculus.derivative import is_differentiable, tangent_of
from recurrax.program.schedule import plan_of
from recurrax.program.source_names import name_recomputed, name_results
from tests.program.bodies import step_of, struct, text_of

FOLDER = Path(__file__).parent / "plans"
BATCH, IN, FEATURES = 4, 3, 2


def cell_step(cell):
    def step(params, carry, x):
        return cell.step(params, carry, x)

    return step, cell.params_like(IN), jax.eval_shape(lambda: cell.initial_carry((BATCH,)))


def two_layers():
    """Two layers in one step become two loops, the second with its input projection in bulk."""

    def step(params, carry, x):
        h1 = jnp.tanh(x @ params["W1"] + carry["h1"] @ params["U1"])
        h2 = jnp.tanh(h1 @ params["W2"] + carry["h2"] @ params["U2"])
        return {"h1": h1, "h2": h2}, h2 @ params["V"]

    square = struct(FEATURES, FEATURES)
    params = {"W1": struct(IN, FEATURES), "U1": square, "W2": square, "U2": square, "V": square}
    state = struct(BATCH, FEATURES)
    return step, params, {"h1": state, "h2": state}


STEPS = {
    "lstm": lambda: cell_step(rx.LSTM(FEATURES)),
    "gru": lambda: cell_step(rx.GRU(FEATURES)),
    "mgu": lambda: cell_step(rx.MGU(FEATURES)),
    "two_layers": two_layers,
}


def as_single(tree):
    return jax.tree.map(lambda a: struct(*a.shape), tree)


def plans(name):
    """The plans of the step and of its backward pass, as one text."""
    f, params, carry = STEPS[name]()
    step = step_of(f, as_single(params), as_single(carry), struct(BATCH, IN))
    active = step.body.inputs.map(is_differentiable)
    produced = name_results(step.body)
    back = backward_step(tangent_of(step, active, True), active)
    name_recomputed(back.body, produced)
    parts = {"forward": step, "backward": back}
    return "\n".join(f"# {part}\n{text_of(plan_of(s.body))}" for part, s in parts.items()) + "\n"


@pytest.mark.parametrize("name", STEPS)
def test_the_plan_is_the_one_on_file(name):
    assert plans(name) == (FOLDER / f"{name}.txt").read_text()


def test_plans_are_short_enough_to_read():
    for name in STEPS:
        lines = plans(name).splitlines()
        assert len(lines) < 160, name
        assert max(map(len, lines)) < 420, name


if __name__ == "__main__":
    for name in STEPS:
        (FOLDER / f"{name}.txt").write_text(plans(name))
