"""The UnICORNN of its authors: a CUDA kernel only, with a backward pass by hand, for y, not for z.

It is compiled as C++ in double precision, and called for each thread in turn. The product with the
input is not in the kernel.
"""

import ctypes
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from ..make_torch_vectors import BATCH, HIDDEN, INPUTS, TIME
from ..vectors import Vector
from .cases import draw
from .loading import CUPY, load
from .projects import checkout, cite
from .shapes import fields

PROJECT = "tk-rusch/unicornn"
WAVES = {"dt": 0.3, "alpha": 0.8}
ON_THE_CPU = """
#include <math.h>
#define float double
#define __forceinline__ inline
#define __device__
#define __global__
struct Index { int x; };
static Index blockIdx = {0}, blockDim = {0}, threadIdx = {0};
static void atomicAdd(double *sum, double term) { *sum += term; }
extern "C" void at(int thread) { threadIdx.x = thread; }
"""


def compiled(folder):
    kernel = load(checkout(folder, PROJECT) / "psMNIST", "network", CUPY).UnICORNN_CODE
    with tempfile.TemporaryDirectory() as temporary:
        source, library = Path(temporary) / "kernel.cpp", Path(temporary) / "kernel.so"
        source.write_text(ON_THE_CPU + kernel)
        command = ["g++", "-O0", "-ffp-contract=off", "-shared", "-fPIC", "-o"]
        subprocess.run([*command, str(library), str(source)], check=True)
        return ctypes.CDLL(str(library))


def vectors(folder, seed):
    kernel = compiled(folder)

    def call(name, *arguments):
        """Arrays go as pointers, whole numbers as int, others as double."""
        kinds = {np.ndarray: lambda a: ctypes.c_void_p(a.ctypes.data), int: ctypes.c_int}
        native = [kinds.get(type(a), ctypes.c_double)(a) for a in arguments]
        for thread in range(BATCH * HIDDEN):
            kernel.at(thread)
            getattr(kernel, name)(*native)

    rng = np.random.default_rng(seed)
    params = draw(rng, {"W": {"h": (INPUTS, HIDDEN)}} | {name: {"h": (HIDDEN,)} for name in "ubc"})
    carry, xs = draw(rng, fields("yz"), 1.0), rng.normal(size=(TIME, BATCH, INPUTS))
    driven = xs @ params["W"]["h"] + params["b"]["h"]
    y, z, ys = (np.zeros_like(a) for a in (carry["y"], carry["z"], driven))
    sizes, u, c = (TIME, BATCH, HIDDEN), params["u"]["h"], params["c"]["h"]
    step = (WAVES["dt"], WAVES["alpha"])
    call("unicornn_fwd", driven, u, carry["y"], carry["z"], y, z, *sizes, c, *step, ys)

    cot_ys, cot_y = rng.normal(size=ys.shape), rng.normal(size=y.shape)
    cot = cot_ys.copy()
    cot[-1] += cot_y
    grad, grad_u, grad_c = np.zeros_like(driven), np.zeros(HIDDEN), np.zeros(HIDDEN)
    call("unicornn_bwd", driven, u, y, z, cot, *sizes, c, *step, grad, grad_u, grad_c)
    grad_W = np.einsum("tbi,tbh->ih", xs, grad)
    grad_params = {"W": grad_W, "b": grad.sum((0, 1)), "u": grad_u, "c": grad_c}
    vector = Vector(
        cell="unicornn",
        options=WAVES,
        params=params,
        carry=carry,
        xs=xs,
        ys=ys,
        final_carry={"y": y, "z": z},
        cot_ys=cot_ys,
        cot_carry={"y": cot_y},
        grads={
            "params": {name: {"h": grad} for name, grad in grad_params.items()},
            "xs": grad @ params["W"]["h"].T,
        },
        library=cite(PROJECT),
        seed=seed,
    )
    return {"unicornn": vector}
