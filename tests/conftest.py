"""Strict settings for the whole suite, and a fresh seed for every test, printed when it fails."""

import itertools
import os
import random
import zlib

os.environ.setdefault("JAX_PLATFORMS", "cpu")  # JAX_PLATFORMS=cuda runs the suite on a GPU
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_force_host_platform_device_count=8"
    # Two thirds of the time is compilation: less of it, on a CPU, than users have. `.ci/run` also
    # runs the tests with JAX's own settings.
    + (
        " --xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
        if os.environ["JAX_PLATFORMS"] == "cpu"
        else ""
    ),
)

# Every pass of the compiler is verified (recurrax/program/verify.py).
os.environ.setdefault("RECURRAX_VERIFY", "1")

import jax
import numpy as np
import pytest
from hypothesis import settings

jax.config.update("jax_enable_x64", True)  # formulas are held to float64
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_default_matmul_precision", "highest")  # a GPU would take TF32 for float32

settings.register_profile("ci", max_examples=30, deadline=None)
settings.register_profile("nightly", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# Every worker of a parallel run must draw the same seeds, so the run's seed travels in os.environ.
RUN_SEED = int(
    os.environ.setdefault("RECURRAX_TEST_SEED", str(random.SystemRandom().getrandbits(31)))
)


def pytest_report_header():
    return f"random seed: RECURRAX_TEST_SEED={RUN_SEED}"


TESTS_RUN = itertools.count(1)


@pytest.fixture(autouse=True)
def bounded_memory():
    """JAX keeps compiled programs, each some memory maps, of which a process may have 65,530."""
    yield
    if next(TESTS_RUN) % 25 == 0:
        jax.clear_caches()


@pytest.fixture
def rng(request):
    """NumPy's generator, seeded by the run and the test's name."""
    seed = [RUN_SEED, zlib.crc32(request.node.nodeid.encode())]
    print(f"seed {seed}; set RECURRAX_TEST_SEED={RUN_SEED} to draw the same numbers")
    return np.random.default_rng(seed)


@pytest.fixture
def as_users_have_it():
    """JAX with its defaults: float32, and types and ranks promote."""
    with (
        jax.enable_x64(False),
        jax.numpy_dtype_promotion("standard"),
        jax.numpy_rank_promotion("allow"),
    ):
        yield


@pytest.fixture(scope="session")
def good():
    """Good arguments and calls, which the tables of bad input spoil."""
    from tests.bad_input import Good

    return Good()
