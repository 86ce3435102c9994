"""Ways to run a step over time. Every evaluator equals the reference, ``jax.lax.scan``."""

from recurrax.evaluators.associative import ASSOCIATIVE
from recurrax.evaluators.contract import Evaluator
from recurrax.evaluators.sequential import SEQUENTIAL

EVALUATORS: list[Evaluator] = [ASSOCIATIVE, SEQUENTIAL]
"""In order of priority: the first one that can run a loop runs it; the last one can run any."""
