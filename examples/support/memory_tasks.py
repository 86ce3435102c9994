"""Two problems of Hochreiter & Schmidhuber (1997) that need a long memory, made from a key.

Both functions return ``batch`` sequences of ``length`` steps, and what is asked after the last.
"""

import jax
import jax.numpy as jnp
from jax import Array
from jax.random import randint

from support.training import Split


def adding(key: Array, batch: int, length: int) -> Split:
    """The sum of two marked numbers.

    At every step come a number, uniform on [0, 1], and a marker: 1 at one step of the first half
    and at one of the second, else 0. Whoever always answers 1 has a mean squared error of 1/6.
    """
    number_key, first_key, second_key = jax.random.split(key, 3)
    numbers = jax.random.uniform(number_key, (batch, length))
    half = length // 2
    first = randint(first_key, (batch,), 0, half)
    second = randint(second_key, (batch,), half, length)
    markers = jax.nn.one_hot(first, length) + jax.nn.one_hot(second, length)
    return Split(jnp.stack([numbers, markers], axis=-1), jnp.sum(numbers * markers, axis=-1))


def temporal_order(key: Array, batch: int, length: int) -> Split:
    """The order of two symbols among distractors (task 6a): XX, XY, YX or YY, four classes.

    A sequence starts with E, ends with B, and is filled with a, b, c, d at random. X or Y stands at
    one step between 1/10 and 2/10 of the length, and again between 5/10 and 6/10: the places of the
    article, whose length is 100 to 110, in proportion.
    """
    E, B, DISTRACTORS, X = 0, 1, range(2, 6), 6  # Y is X + 1
    filler_key, symbol_key, first_key, second_key = jax.random.split(key, 4)
    symbols = randint(filler_key, (batch, length), DISTRACTORS.start, DISTRACTORS.stop)
    symbols = symbols.at[:, 0].set(E).at[:, -1].set(B)
    first = randint(first_key, (batch,), length // 10, 2 * length // 10 + 1)
    second = randint(second_key, (batch,), 5 * length // 10, 6 * length // 10 + 1)
    is_Y = randint(symbol_key, (batch, 2), 0, 2)
    rows = jnp.arange(batch)
    symbols = symbols.at[rows, first].set(X + is_Y[:, 0]).at[rows, second].set(X + is_Y[:, 1])
    return Split(jax.nn.one_hot(symbols, 8), 2 * is_Y[:, 0] + is_Y[:, 1])
