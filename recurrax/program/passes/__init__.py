"""The passes, in their order. Each is a pure function from a body to a body.

A pass says in its docstring what it requires and what it ensures. All of them keep the values, the
inputs and the types of the outputs. To add one, write a file with one function and put the function
into ``PASSES``; ``docs/extending.md`` has an example. With ``RECURRAX_VERIFY=1`` in the environment
the result of every pass is verified.
"""

import os
from collections.abc import Callable, Sequence

from recurrax.program.inline import inline
from recurrax.program.ir import Body
from recurrax.program.passes.canonical_layout import canonical_layout
from recurrax.program.passes.factor import factor
from recurrax.program.passes.factor_contractions import factor_contractions
from recurrax.program.passes.fuse import fuse
from recurrax.program.passes.pretranspose import pretranspose
from recurrax.program.passes.reorder_sums import reorder_factors, reorder_sums
from recurrax.program.passes.simplify import simplify
from recurrax.program.verify import verify

Pass = Callable[[Body], Body]

PASSES: list[Pass] = [
    inline,
    canonical_layout,
    simplify,
    reorder_sums,
    reorder_factors,
    factor,
    factor_contractions,
    reorder_factors,
    fuse,
    pretranspose,
    simplify,
]


def optimize(body: Body, passes: Sequence[Pass] | None = None, after: str | None = None) -> Body:
    """The body after all passes, or after the last one with the name ``after``."""
    passes = PASSES if passes is None else passes
    if after is not None:
        names = [p.__name__ for p in passes]
        passes = passes[: len(names) - names[::-1].index(after)]
    for run in passes:
        result = run(body)
        if os.environ.get("RECURRAX_VERIFY"):
            verify(result, like=body)
        body = result
    return body
