"""The best that counting does: modified Kneser-Ney smoothing (Chen & Goodman 1998), interpolated.

The probability of a character after a context h, the n - 1 characters before it, is

    p_n(c | h) = (count(hc) - D(count(hc)) + freed(h) p_{n-1}(c | h')) / total(h)

where h' is h without its first character, total(h) is the sum of count(hc) over c and freed(h) that
of D(count(hc)). After a context that was never seen it is p_{n-1}. What is counted at the longest
order are occurrences; below it, the different characters that stand before: a lower order is asked
about contexts that are new, and those are led to by many. p_0 is uniform.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

LONGEST = 16


class Order(NamedTuple):
    """At every place of a text, the numbers of two strings; equal strings have equal numbers."""

    contexts: np.ndarray
    """(characters,): of the n - 1 characters before"""
    grams: np.ndarray
    """(characters,): of these and the one that stands there"""


def bits_of_best(train: np.ndarray, held_out: np.ndarray, symbols: int) -> tuple[int, float]:
    """``(n, bits)`` per held-out character, with the n that is best for the end of ``train``."""
    cut = len(train) * 9 // 10
    n = 1 + int(np.argmin(bits_per_character(train[:cut], train[cut:], symbols)))
    return n, bits_per_character(train, held_out, symbols)[n - 1]


def bits_per_character(train: np.ndarray, held_out: np.ndarray, symbols: int) -> list[float]:
    """What ``held_out`` costs by the counts of ``train``, for n from 1 to ``LONGEST``.

    Args:
      train, held_out: (characters,), numbers below ``symbols``. The contexts of the first held-out
        characters reach into the end of ``train``.
      symbols: size of the alphabet.
    """
    size = len(train)
    lower = np.full(len(held_out), 1 / symbols)
    bits = []
    for order, longer in pairwise(_orders(np.concatenate([train, held_out]), symbols)):
        occurrences = np.arange(size)
        bits.append(float(-np.log2(_interpolated(order, occurrences, size, lower)).mean()))
        _, different = np.unique(longer.grams[:size], return_index=True)
        lower = _interpolated(order, different, size, lower)
    return bits


def _orders(text: np.ndarray, symbols: int) -> Iterator[Order]:
    """Those of n = 1 to ``LONGEST + 1``; before the text stands a symbol of its own."""
    contexts = np.zeros_like(text)
    for _ in range(LONGEST + 1):
        _, grams = np.unique(contexts * symbols + text, return_inverse=True)
        yield Order(contexts, grams)
        contexts = np.concatenate([[grams.max() + 1], grams[:-1]])


def _interpolated(order: Order, counted: np.ndarray, start: int, lower: Any) -> np.ndarray:
    """The probabilities of the characters from ``start`` on.

    Args:
      order: of the whole text.
      counted: the places, before ``start``, whose grams are counted.
      start: where the held-out text begins.
      lower: (held-out characters,), the probabilities by the order below.
    """
    contexts, grams = order
    counts = np.bincount(grams[counted], minlength=grams.max() + 1)
    context_of = np.zeros_like(counts)
    context_of[grams] = contexts
    discount = _discounts(counts)[np.minimum(counts, 3)]
    total = np.bincount(context_of, weights=counts)
    freed = np.bincount(context_of, weights=discount)
    h, hc = contexts[start:], grams[start:]
    seen = total[h] > 0
    smoothed = (counts - discount)[hc] + freed[h] * lower
    return np.divide(smoothed, total[h], out=lower.copy(), where=seen)


def _discounts(counts: np.ndarray) -> np.ndarray:
    """(4,): what is taken from a count of 0, 1, 2, and 3 or more."""
    grams = np.bincount(np.minimum(counts, 5), minlength=6)
    if not grams[1:5].all():  # too short a text for an estimate
        return np.array([0, 0.5, 0.5, 0.5])
    once, twice = grams[1:3]
    seen = np.arange(1, 4)
    share = once / (once + 2 * twice)
    estimates = seen - (seen + 1) * share * grams[2:5] / grams[1:4]
    return np.array([0, *np.clip(estimates, 0, seen)])
