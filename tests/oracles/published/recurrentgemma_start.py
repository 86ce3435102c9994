"""The RG-LRU in a batch whose first sequence begins here: the project does not look at its h.

We have 0 there. A gradient by that 0 is no part of it.
"""

import numpy as np

from .cases import vector_of
from .recurrentgemma import RG_LRU

CASE = RG_LRU._replace(
    arguments={"positions": [0, 3]},
    whole={"carry": {"started": [[0], [1]]}, "final_carry": {"started": [[1], [1]]}},
)


def vectors(folder, seed):
    vector = vector_of(CASE, folder, seed)
    carry = {"h": vector.carry["h"] * np.array([[0.0], [1.0]])}
    grads = {name: vector.grads[name] for name in ("params", "xs")}
    return {"rg_lru_start": vector._replace(carry=carry, grads=grads)}
