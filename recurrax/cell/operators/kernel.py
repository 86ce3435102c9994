"""Recurrent kernels that are not dense matrices: the right operand of ``h @ U.k``."""

from dataclasses import fields


class Kernel:
    """A recurrent kernel that is not a dense matrix; a JAX pytree."""

    __array_ufunc__ = None  # makes NumPy defer to __rmatmul__

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the matrix that it represents: the size of h and the size of a gate."""
        raise NotImplementedError


def arrays_of(kernel: Kernel) -> list[str]:
    """The names of the arrays of a kernel."""
    return [f.name for f in fields(kernel) if not f.metadata.get("static")]  # type: ignore[arg-type]
