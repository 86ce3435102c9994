"""The chunked evaluator: time in pieces, and in each of them bulk work and short loops."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from recurrax.evaluators import associative
from recurrax.evaluators.window import Window, entry, shifted, written_at
from recurrax.program.ir import Constant, Op, Value, evaluate
from recurrax.program.program import Loop, Program, program_of
from recurrax.program.step import Step, with_time
from recurrax.program.sums import sum_over_time

Arrays = list[Any]


def run(*operands: Any, step: Step, platform: str) -> Arrays:
    """Evaluates a recurrence: ``(*consts, *carry, *first_past, *past, *xs) -> (*carry, *ys)``."""
    program = program_of(step)
    fast = parallel_loops(program) if in_parallel(step, platform) else []
    consts, carry, first, past, xs = step.split_operands(operands)
    known = dict(zip(program.consts, consts, strict=True))
    known.update(
        {program.carry[i]: carry[i] for i in program.parts.constant}
    )  # a component that no step changes is a parameter
    evaluate(program.invariant, known)
    whole_run = fast and len(fast) == len(program.loops)
    size = step.length if whole_run else default_chunk(program, step)
    chunk = min(step.chunk or size, max(step.length, 1))
    whole, rest = divmod(step.length, chunk)

    def piece(
        start: Any, steps: int, carry: Arrays, buffers: Arrays, scratch: list[Arrays]
    ) -> tuple[Arrays, Arrays, list[Arrays]]:
        window = Window(step, start, steps)
        entries = [window.read(x, axis) for x, axis in zip(xs, step.x_axes, strict=True)]
        entries_past = [
            window.read_past(f, p, axis, lag)
            for f, p, axis, lag in zip(first, past, step.past_axes, step.lags, strict=True)
        ]
        carry, ys, scratch = run_chunk(
            program, step.reverse, steps, known, carry, entries_past, entries, scratch, fast
        )
        buffers = [
            window.write(buffer, y, axis)
            for buffer, y, axis in zip(buffers, ys, step.y_axes, strict=True)
        ]
        return carry, buffers, scratch

    _, outputs = step.outputs()
    buffers = [
        jnp.zeros(with_time(y, axis, step.length), y.dtype)
        for y, axis in zip(outputs, step.y_axes, strict=True)
    ]
    if whole == 1:
        start = rest if step.reverse else 0
        carry, buffers, _ = piece(start, chunk, carry, buffers, exports_of(program, chunk))
    elif whole > 1:

        def body(i: Any, state: Any) -> Any:
            start = step.length - (i + 1) * chunk if step.reverse else i * chunk
            return piece(start, chunk, *state)

        state = carry, buffers, exports_of(program, chunk)
        carry, buffers, _ = lax.fori_loop(0, whole, body, state)
    if rest:
        start = 0 if step.reverse else step.length - rest
        carry, buffers, _ = piece(start, rest, carry, buffers, exports_of(program, rest))
    return [*carry, *buffers]


def parallel_loops(program: Program) -> list[Loop]:
    """The loops that can run in parallel over time."""
    return [loop for loop in program.loops if program.kind_of(loop).parallel]


def in_parallel(step: Step, platform: str) -> bool:
    """Whether the linear loops of a step are to run in parallel over time.

    On a CPU that is slower: an elementwise step costs a tenth of a microsecond there, and a
    parallel run several passes over the arrays of all steps (1.1 to 15 times the time, from 256 to
    16384 steps). An accelerator pays some ten microseconds for every step of a loop.
    """
    if step.method != "auto":
        return step.method == "associative"
    return platform != "cpu" and step.length >= 64


def exports_of(program: Program, steps: int) -> list[Arrays]:
    """Arrays into which the loops of a chunk write; all chunks share them."""
    return [[jnp.zeros((steps, *v.shape), v.dtype) for v in loop.exports] for loop in program.loops]


BLOCK = 1 << 17  # entries of the carry in a chunk: its arrays stay in a core's cache
SHARE = {False: 4, True: 8}  # at most this part of the run, for a step and for a derivative


def default_chunk(program: Program, step: Step) -> int:
    """Steps per chunk: enough for large products, few enough for cache and memory.

    ``BLOCK`` divided by the size of the largest component that loops, between 8 and 256. A chunk of
    a backward pass holds some twenty arrays where the whole run holds two to four, so it may be an
    eighth of the run at most; a chunk of a forward pass a quarter. A divisor of the run's length is
    preferred, because a shorter last chunk is compiled apart.
    """
    looped = [i for loop in program.loops for i in loop.components]
    width = max((step.outputs()[0][i].size for i in looped), default=1)
    length = max(step.length, 1)
    best = min(BLOCK // max(width, 1), 256, length // SHARE[step.derived])
    best = min(max(best, 8), length)
    for chunk in range(best, best // 2, -1):
        if length % chunk == 0:
            return chunk
    return best


def run_chunk(
    program: Program,
    reverse: bool,
    steps: int,
    known: dict[Value, Any],
    carry: Arrays,
    past: Arrays,
    xs: Arrays,
    scratch: list[Arrays],
    fast: Sequence[Loop],
) -> tuple[Arrays, Arrays, list[Arrays]]:
    """A few steps: bulk work and loops in turn. Sequences have time in front."""
    sequences = dict(zip([*program.past, *program.xs], [*past, *xs], strict=True))
    before = {value: i for i, value in enumerate(program.carry)}
    carry = list(carry)
    start = list(carry)

    def sequence(value: Value) -> Any:
        """A value at every step of the chunk."""
        if value not in sequences and value in before:
            i = before[value]  # the carry before a step is the one after the step before
            after = broadcast(program.new_carry[i])
            sequences[value] = shifted(start[i], after, reverse)
        return sequences[value]

    def read(value: Value) -> Any:
        if isinstance(value, Constant):
            return value.value
        return sequence(value) if program.is_sequence(value) else known[value]

    def broadcast(value: Value) -> Any:
        array = read(value)
        if program.is_sequence(value):
            return array
        return jnp.broadcast_to(array, (steps, *value.shape))

    written: list[Arrays] = []
    for phase in program.phases:
        sequences.update(in_bulk(phase.bulk, program, read))
        if phase.loop is not None:
            given = phase.loop, program, reverse, steps, known, carry, read
            one_by_one = partial(run_loop, *given, scratch[len(written)])
            if any(phase.loop is loop for loop in fast):
                ends, exports = associative.run_loop(*given, one_by_one)
            else:
                ends, exports = one_by_one()
            # XLA would split an array that later chunks write into where a concatenation reads it.
            exports = lax.optimization_barrier(exports)
            written.append(exports)
            sequences.update(zip(phase.loop.exports, exports, strict=True))
            for i, end in zip(phase.loop.components, ends, strict=True):
                carry[i] = end
    for i in program.delays:
        after = broadcast(program.new_carry[i])
        carry[i] = after[0 if reverse else -1]
    memo: dict[Value, Any] = {}
    for i, value in program.sums.items():
        carry[i] = carry[i] + sum_over_time(value, program, read, steps, memo)
    return carry, [broadcast(y) for y in program.ys], written


def in_bulk(ops: Sequence[Op], program: Program, read: Callable[[Value], Any]) -> dict[Value, Any]:
    """Runs operations for all steps of a chunk at once."""
    made = {value for op in ops for value in op.outputs}
    needed = list(dict.fromkeys(v for op in ops for v in op.inputs if v not in made))
    moving = [v for v in needed if program.is_sequence(v)]
    fixed = {v: read(v) for v in needed if not program.is_sequence(v)}
    outputs = [value for op in ops for value in op.outputs]
    if not ops:
        return {}

    def one_step(entries: Arrays) -> Arrays:
        env = {**fixed, **dict(zip(moving, entries, strict=True))}
        evaluate(ops, env)
        return [env[value] for value in outputs]

    results = jax.vmap(one_step)([read(v) for v in moving])
    return dict(zip(outputs, results, strict=True))


def run_loop(
    loop: Loop,
    program: Program,
    reverse: bool,
    steps: int,
    known: dict[Value, Any],
    carry: Arrays,
    read: Callable[[Value], Any],
    scratch: Arrays,
) -> tuple[Arrays, Arrays]:
    """Runs one part of the carry step by step; what it exports is written into ``scratch``."""
    olds = [program.carry[i] for i in loop.components]
    news = [program.new_carry[i] for i in loop.components]
    entries = [read(v) for v in loop.inputs]

    def body(i: Any, state: tuple[Arrays, Arrays]) -> tuple[Arrays, Arrays]:
        now, exports = state
        t = steps - 1 - i if reverse else i
        env = {**known, **dict(zip(olds, now, strict=True))}
        env.update((v, entry(e, t)) for v, e in zip(loop.inputs, entries, strict=True))
        evaluate(loop.ops, env)
        exports = [
            written_at(whole, env[v], t) for whole, v in zip(exports, loop.exports, strict=True)
        ]
        return [env[v] for v in news], exports

    return lax.fori_loop(0, steps, body, ([carry[i] for i in loop.components], scratch))
