"""How much of the gradient of the loss reaches each time step: the vanishing gradient, measured."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

import recurrax as rx
from support.model import Stack, StackParams
from support.training import Score, Split


@partial(jax.jit, static_argnums=(0, 2))
def gradient_flow(
    model: Stack,
    params: StackParams,
    loss: Score,
    rows: Split,
) -> Array:
    """The norm of d loss / d carry for the carry that each step reads, of all layers together.

    A zero is added to the carry before every step; the derivative with respect to that zero is the
    gradient that has travelled back from the loss, after the last step, to this one.

    Returns:
      (time,): the norm for every sequence by itself, averaged over the batch.
    """
    xs, ys = rows
    batch, time, _ = xs.shape
    carries = tuple(cell.initial_carry((batch,)) for cell in model.cells)

    def step(carries, inputs):
        x, perturbation = inputs
        carries = jax.tree.map(jnp.add, carries, perturbation)
        after = []
        for cell, cell_params, carry in zip(model.cells, params.cells, carries, strict=True):
            carry, x = cell.step(cell_params, carry, x)
            after.append(carry)
        return tuple(after), x

    def sum_of_losses(perturbations):
        _, hs = rx.scan(step, carries, (jnp.moveaxis(xs, 1, 0), perturbations))
        return batch * loss(hs[-1] @ params.kernel + params.bias, ys)

    perturbations = jax.tree.map(lambda leaf: jnp.zeros((time, *leaf.shape)), carries)
    gradients = jax.tree.leaves(jax.grad(sum_of_losses)(perturbations))
    squares = sum(jnp.sum(gradient**2, axis=-1) for gradient in gradients)
    return jnp.sqrt(squares).mean(axis=1)
