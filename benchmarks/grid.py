"""What is measured: cells, directions, shapes, and the arithmetic in each case."""

from typing import NamedTuple

GATES = {"lstm": 4, "gru": 3, "rnn": 1, "ugrnn": 2}
"""Every cell with the number of its gates; "ugrnn" is the one that users define themselves."""

PASSES = {"forward": 1, "forward+backward": 3}
"""Every direction with its matmuls in units of the forward pass: backward has two for each."""


class Shape(NamedTuple):
    batch: int
    time: int
    in_features: int
    features: int

    def __str__(self) -> str:
        return ",".join(map(str, self))


GRID = [
    Shape(1, 256, 32, 32),
    Shape(1, 512, 128, 256),
    Shape(8, 256, 64, 64),
    Shape(16, 512, 32, 32),
    Shape(32, 128, 64, 128),
    Shape(32, 1024, 64, 64),
    Shape(64, 96, 128, 256),
    Shape(32, 64, 512, 512),
    Shape(128, 64, 256, 512),
]


class Case(NamedTuple):
    cell: str
    shape: Shape
    direction: str

    @property
    def weights(self) -> int:
        """Entries of all weight matrices, input and recurrent."""
        _, _, D, H = self.shape
        return GATES[self.cell] * H * (D + H)

    @property
    def flops(self) -> int:
        """Arithmetic of the layer's matmuls; no contender can do with less."""
        B, T, _, _ = self.shape
        return PASSES[self.direction] * 2 * B * T * self.weights


def shape(text: str) -> Shape:
    """``"2"``, an index into the grid, or ``"B,T,D,H"``."""
    numbers = [int(part) for part in text.split(",")]
    if len(numbers) == 1 and 0 <= numbers[0] < len(GRID):
        return GRID[numbers[0]]
    if len(numbers) != 4 or min(numbers) < 1:
        raise ValueError(text)
    return Shape(*numbers)
