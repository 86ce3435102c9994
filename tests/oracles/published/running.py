"""Our weights as torch modules have them, and a loop over time."""

import torch
from torch.func import functional_call


def rows(group, gates):
    """Matrices (in, out) as torch.nn.Linear has them, (gates * out, in)."""
    return torch.cat([group[gate].T for gate in gates])


def columns(group, gates):
    return torch.cat([group[gate] for gate in gates], dim=-1)


def calling(module, weights):
    """The forward pass of `module` with `weights` in the place of its own."""
    return lambda x, *state: functional_call(module, weights, (x, *state))


def loop(step, state, xs):
    """Runs `step(x, *state) -> state`; the output is the first field of the state."""
    ys = []
    for x in xs:
        state = step(x, *state)
        ys.append(state[0])
    return torch.stack(ys), state
