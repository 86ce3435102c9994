"""What stands in the place of a matrix in ``h @ U.k``."""

from dataclasses import fields


class Kernel:
    """What ``h @ kernel`` accepts beside a matrix; a JAX pytree."""

    __array_ufunc__ = None  # NumPy leaves the product to __rmatmul__

    @property
    def shape(self) -> tuple[int, int]:
        """That of the matrix it stands for: the size of h, and of a gate."""
        raise NotImplementedError


def arrays_of(kernel: Kernel) -> list[str]:
    """The names of the arrays of a kernel."""
    return [f.name for f in fields(kernel) if not f.metadata.get("static")]  # type: ignore[arg-type]
