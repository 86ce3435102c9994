"""Which carries and outputs depend on an input, over any number of steps."""

from recurrax.program.ir import Inputs
from recurrax.program.step import Step

Flags = tuple[bool, ...]


def reached(step: Step, flags: Inputs[bool]) -> tuple[Flags, Flags]:
    """The entries of the carry, and the outputs, that depend on the flagged inputs in time."""
    body = step.body
    while True:
        touched = {v for v, flag in zip(body.inputs.flat, flags.flat, strict=True) if flag}
        for op in body.ops:
            if any(v in touched for v in op.inputs):
                touched.update(op.outputs)
        new = (v in touched for v in body.new_carry)
        carry = tuple(a or b for a, b in zip(flags.carry, new, strict=True))
        if carry == flags.carry:
            return carry, tuple(v in touched for v in body.ys)
        flags = flags._replace(carry=carry)
