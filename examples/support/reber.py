"""The continual embedded Reber grammar (Gers, Schmidhuber & Cummins 2000), made from a key.

A string is B, then T or P, then a string of Reber's grammar, then the same T or P again, then E;
the strings follow one another without a gap or a reset. What comes next can be told from the last
symbols, but for the second T or P: it needs the first one, from before the inner string.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.random import bernoulli

from support.training import Split

SYMBOLS = "BTPSXVE"
T, P, E = map(SYMBOLS.index, "TPE")

# Of every state of Reber's grammar the two symbols that may come, and the states they lead to.
INNER = [
    ("BB", (1, 1)),
    ("TP", (2, 3)),
    ("SX", (2, 4)),
    ("TV", (3, 5)),
    ("XS", (3, 6)),
    ("PV", (4, 6)),
    ("EE", (7, 7)),
]


def _embedded() -> tuple[np.ndarray, np.ndarray]:
    """(states, 2): symbols and next states of the embedded grammar, which begins in state 0."""
    size = len(INNER) + 1  # of the inner grammar, and the outer symbol after it
    last = 2 + 2 * size
    states = [("BB", (1, 1)), ("TP", (2, 2 + size))]
    for first, outer in ((2, "TT"), (2 + size, "PP")):
        states += [(symbols, (first + a, first + b)) for symbols, (a, b) in INNER]
        states.append((outer, (last, last)))
    states.append(("EE", (0, 0)))
    symbols = [[SYMBOLS.index(symbol) for symbol in pair] for pair, _ in states]
    return np.array(symbols), np.array([following for _, following in states])


SYMBOL, NEXT = _embedded()


def reber(key: Array, batch: int, length: int) -> Split:
    """Streams that begin with a string, and at every step the symbol that comes next."""

    def step(state: Array, choice: Array) -> tuple[Array, Array]:
        return jnp.asarray(NEXT)[state, choice], jnp.asarray(SYMBOL)[state, choice]

    choices = bernoulli(key, 0.5, (length + 1, batch)).astype(int)
    _, symbols = jax.lax.scan(step, jnp.zeros(batch, int), choices)
    return Split(jax.nn.one_hot(symbols[:-1].T, len(SYMBOLS)), symbols[1:].T)


def outer_error(logits: Array, symbols: Array) -> Array:
    """How often the symbol after an inner string is not predicted: 1/2 without a memory of it.

    ``symbols`` are those that come next. T or P after E can only be such a one.
    """
    before, now = symbols[:, :-1], symbols[:, 1:]
    outer = (before == E) & ((now == T) | (now == P))
    wrong = logits[:, 1:].argmax(axis=-1) != now
    return jnp.sum(wrong & outer) / jnp.maximum(jnp.sum(outer), 1)
