"""State dicts of parameters for ``flax.serialization``, and so ``to_bytes`` and train states."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from flax import serialization

from recurrax.cell.operators.kernel import Kernel, arrays_of
from recurrax.cell.params import Gates


def state_of_gates(gates: Gates) -> dict[str, Any]:
    return {name: serialization.to_state_dict(array) for name, array in gates.items()}


def gates_from_state(gates: Gates, state: dict[str, Any]) -> Gates:
    return gates.replace(**restored(gates, gates.names, lambda name: gates[name], state))


def state_of_kernel(kernel: Kernel) -> dict[str, Any]:
    return {name: serialization.to_state_dict(getattr(kernel, name)) for name in arrays_of(kernel)}


def kernel_from_state(kernel: Any, state: dict[str, Any]) -> Any:
    names = arrays_of(kernel)
    return replace(kernel, **restored(kernel, names, lambda name: getattr(kernel, name), state))


def restored(
    target: Any, names: Any, get: Callable[[str], Any], state: dict[str, Any]
) -> dict[str, Any]:
    """The entries of a state dict in the form of the target's."""
    if set(state) != set(names):
        raise ValueError(
            f"{type(target).__name__}: the state must have the entries {', '.join(names)}; it has "
            f"{', '.join(map(str, state)) or 'none'}."
        )
    return {
        name: serialization.from_state_dict(get(name), state[name], name=name) for name in names
    }


def register() -> None:
    """Tells ``flax.serialization`` about the types that parameters consist of."""
    serialization.register_serialization_state(Gates, state_of_gates, gates_from_state, True)
    for kind in kernels(Kernel):
        serialization.register_serialization_state(kind, state_of_kernel, kernel_from_state, True)


def kernels(kind: type) -> list[type]:
    """The classes of recurrent kernels."""
    found = [kind] if kind is not Kernel and fields(kind) else []  # type: ignore[arg-type]
    return found + [inner for sub in kind.__subclasses__() for inner in kernels(sub)]


register()
