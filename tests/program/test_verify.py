"""The verifier: every rule of the representation, broken once."""

from dataclasses import replace

import jax.numpy as jnp
import pytest

from recurrax.program.ir import Value
from recurrax.program.passes import optimize
from recurrax.program.verify import InvalidBody, verify
from tests.program.bodies import body_of, struct


def step(p, h, x):
    h = jnp.tanh(x @ p["W"] + h)
    return h, jnp.sum(h)


@pytest.fixture
def body():
    return body_of(step, {"W": struct(2, 2)}, struct(3, 2), struct(3, 2))


def test_a_traced_step_is_valid(body):
    verify(body)


BROKEN = {
    "a value that nothing produces": (
        lambda body: body.with_ops(body.ops[1:]),
        "add reads a value that has not been produced",
    ),
    "a value used before it is produced": (
        lambda body: body.with_ops(body.ops[::-1]),
        "reads a value that has not been produced",
    ),
    "a value produced twice": (
        lambda body: body.with_ops([*body.ops, body.ops[-1]]),
        "a result of reduce_sum is produced twice",
    ),
    "a wrong shape": (
        lambda body: body.with_ops(
            [body.ops[0].with_outputs([Value((3, 4), jnp.float32)]), *body.ops[1:]]
        ),
        "dot_general returns",
    ),
    "a wrong dtype": (
        lambda body: body.with_ops(
            [*body.ops[:-1], body.ops[-1].with_outputs([Value((), jnp.dtype("int32"))])]
        ),
        "reduce_sum returns",
    ),
    "operands that do not fit": (
        lambda body: body.with_ops(
            [body.ops[0].with_inputs([body.inputs.xs[0]] * 2), *body.ops[1:]]
        ),
        "dot_general does not take its operands",
    ),
    "an output that nothing produces": (
        lambda body: replace(body, ys=(Value((), jnp.float32),)),
        "an output is never produced",
    ),
    "a carry of another type": (
        lambda body: replace(body, new_carry=body.ys, ys=()),
        "the carry changes its type",
    ),
    "an input that appears twice": (
        lambda body: replace(body, inputs=body.inputs._replace(xs=body.inputs.xs * 2)),
        "the input x appears twice",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_body_is_refused(body, name):
    broken, message = BROKEN[name]
    with pytest.raises(InvalidBody, match=message):
        verify(broken(body))


def test_a_pass_that_changes_the_types_of_outputs_is_refused(body):
    changed = replace(body, ys=body.new_carry)
    verify(changed)
    with pytest.raises(InvalidBody, match="outputs have changed their type"):
        verify(changed, like=body)


def test_a_broken_pass_is_caught_where_it_stands(body, monkeypatch):
    """Under test every pass is verified."""
    monkeypatch.setenv("RECURRAX_VERIFY", "1")

    def broken(body):
        return body.with_ops(body.ops[1:])

    with pytest.raises(InvalidBody):
        optimize(body, passes=[broken])
