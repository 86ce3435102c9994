"""The recurrent product h U by the kind of its operator."""

import numpy as np


def recurrent_product(h, U, kind="full", mask=None):
    """`h` (..., H) times the operator `U`.

    full      (H, H):                                h U
    diagonal  {"diagonal": (H,)}:                    h * diagonal
    block     {"blocks": (n, H/n, H/n)}:             h cut into n pieces, piece j times blocks[j]
    low_rank  {"left": (H, r), "right": (r, H)}:     (h left) right
    masked    {"kernel": (H, H)} and an (n, n) mask: h (kernel * mask), where each entry of the mask
              stands for a tile of (H/n, H/n) entries of the kernel
    """
    match kind:
        case "full":
            return h @ U
        case "diagonal":
            return h * U["diagonal"]
        case "block":
            return block_product(h, U["blocks"])
        case "low_rank":
            return (h @ U["left"]) @ U["right"]
        case "masked":
            kernel, mask = U["kernel"], np.asarray(mask)
            tile = kernel.shape[0] // mask.shape[0]
            entries = np.empty_like(kernel)
            for row, column in np.ndindex(kernel.shape):
                entries[row, column] = kernel[row, column] * mask[row // tile, column // tile]
            return h @ entries
        case _:
            raise ValueError(f"unknown recurrent operator {kind!r}")


def block_product(h, blocks):
    """Piece j of the last axis of `h` times `blocks[j]`."""
    width = blocks.shape[1]
    pieces = [h[..., j * width : (j + 1) * width] @ block for j, block in enumerate(blocks)]
    return np.concatenate(pieces, axis=-1)
