"""Every family of projects in turn; `vectors` of each module is its part of the file."""

import importlib
import sys
from pathlib import Path

import jax
import torch

from ..make_torch_vectors import SEED
from ..vectors import save

# In the order of the file.
FAMILIES = [
    "lucidrains",
    "sru",
    "rusch",
    "brc",
    "haste",
    "xlstm",
    "recurrentgemma",
    "edge",
    "lmu",
    "exp_rnn",
    "recurrentgemma_start",
    "qrnn",
    "unicornn",
    "lru",
    "odyssey",
    "clockwork",
]


def main(folder, seed):
    torch.set_num_threads(1)  # one order of summation, hence the same bits every time
    jax.config.update("jax_enable_x64", True)
    vectors = {}
    for family in FAMILIES:
        vectors |= importlib.import_module(f"{__package__}.{family}").vectors(folder, seed)
    save("published", vectors)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else SEED)
