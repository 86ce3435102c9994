"""What each pass makes of a small step, as text. Source lines are left out of the texts."""

from dataclasses import replace
from textwrap import dedent

import jax
import jax.numpy as jnp
import pytest
from jax import lax

from recurrax.program.inline import inline
from recurrax.program.passes import PASSES, optimize
from recurrax.program.passes.canonical_layout import canonical_layout
from recurrax.program.passes.common import merge_common
from recurrax.program.passes.copies import remove_copies
from recurrax.program.passes.dead_code import remove_dead_code
from recurrax.program.passes.factor import factor
from recurrax.program.passes.factor_contractions import factor_contractions
from recurrax.program.passes.fuse import fuse
from recurrax.program.passes.fuse_shared import fuse_shared
from recurrax.program.passes.fuse_sums import fuse_sums
from recurrax.program.passes.pretranspose import pretranspose
from recurrax.program.passes.reorder_sums import reorder_factors, reorder_sums
from recurrax.program.passes.simplify import simplify
from recurrax.program.passes.transposes import fold_transposes
from recurrax.program.verify import verify
from tests.program.bodies import body_of, struct, text_of

MATRIX, STATE = struct(2, 2), struct(3, 2)


@jax.custom_jvp
def rectified(z):
    return lax.max(z, 0.0 * z)


rectified.defjvps(lambda t, out, z: t)


def custom_rule(p, h, x):
    return rectified(h + x), None


def two_outputs(p, h, x):
    return jnp.sin(h), jnp.cos(x)


def copied(p, h, x):
    return jnp.sin(jnp.copy(h).reshape(3, 2)), None


def doubled_twice(p, h, x):
    return jnp.sin(2 * h) + jnp.cos(2 * h), None


def transposed_product(p, h, x):
    return (p["U"] @ h.T).T, None


def biased(p, h, x):
    return (x @ p["W"] + h @ p["U"]) + p["b"], None


def scaled(p, d, x):
    return d * x["a"] * x["b"], None


def mixture(p, d, x):
    return x["h"] * d + x["n"] * d, None


def tied_kernel(p, d, x):
    return d @ x["a"].T + x["h"] @ p["U"] + d @ x["b"].T, None


def shared_operand(p, h, x):
    return jnp.tanh(h @ p["A"]) * (h @ p["B"]), None


def summed_products(p, h, x):
    return jnp.sin(h) @ p["A"] + jnp.cos(h) @ p["B"], None


def gates(p, h, x):
    a = jnp.tanh(x @ p["Wa"] + h @ p["Ua"])
    b = jnp.tanh(x @ p["Wb"] + h @ p["Ub"])
    return a * b, None


def across(p, h, x):
    return lax.dot_general(h, p["U"], (((1,), (1,)), ((), ()))), None


def batch_of_the_last_axis(p, h, x):
    return jnp.transpose(lax.dot_general(h, p["U"], (((1,), (2,)), ((2,), (0,)))), (1, 2, 0)), None


def convolution(p, h, x):
    layout = ("NCH", "OIH", "NCH")
    return lax.conv_general_dilated(h, p["k"], (1,), "SAME", dimension_numbers=layout), None


def without_outputs(body):
    return remove_dead_code(replace(body, ys=()))


def of_derivative(run):
    """The pass on a body that is marked as a derivative."""

    def marked(body):
        return run(replace(body, linear=True))

    return marked


# name: (pass, step, params, carry, x, the operations and outputs after the pass)
GOLDEN = {
    "inline": (
        inline, custom_rule, {}, STATE, STATE,
        """
        add:f32[3,2] = add carry x
        mul:f32[3,2] = mul 0 add
        max:f32[3,2] = max add mul
        new carry: max
        """,
    ),
    "remove_dead_code": (
        without_outputs, two_outputs, {}, STATE, STATE,
        """
        sin:f32[3,2] = sin carry
        new carry: sin
        """,
    ),
    "remove_copies": (
        remove_copies, copied, {}, STATE, STATE,
        """
        sin:f32[3,2] = sin carry
        new carry: sin
        """,
    ),
    "merge_common": (
        merge_common, doubled_twice, {}, STATE, STATE,
        """
        mul:f32[3,2] = mul 2 carry
        sin:f32[3,2] = sin mul
        cos:f32[3,2] = cos mul
        add:f32[3,2] = add sin cos
        new carry: add
        """,
    ),
    "reorder_sums": (
        reorder_sums, biased, {"W": MATRIX, "U": MATRIX, "b": STATE}, STATE, STATE,
        """
        matmul:f32[3,2] = dot_general[((1),(0))] x params['W']
        matmul_2:f32[3,2] = dot_general[((1),(0))] carry params['U']
        add:f32[3,2] = add params['b'] matmul
        add_2:f32[3,2] = add add matmul_2
        new carry: add_2
        """,
    ),
    "reorder_factors": (
        of_derivative(reorder_factors), scaled, {}, STATE, {"a": STATE, "b": STATE},
        """
        mul:f32[3,2] = mul x['a'] x['b']
        mul_2:f32[3,2] = mul mul carry
        new carry: mul_2
        """,
    ),
    "reorder_factors of a step": (
        reorder_factors, scaled, {}, STATE, {"a": STATE, "b": STATE},
        """
        mul:f32[3,2] = mul carry x['a']
        mul_2:f32[3,2] = mul mul x['b']
        new carry: mul_2
        """,
    ),
    "factor": (
        of_derivative(factor), mixture, {}, STATE, {"h": STATE, "n": STATE},
        """
        add:f32[3,2] = add x['h'] x['n']
        mul:f32[3,2] = mul add carry
        new carry: mul
        """,
    ),
    "factor_contractions": (
        of_derivative(factor_contractions), tied_kernel,
        {"U": MATRIX}, STATE, {"a": MATRIX, "b": MATRIX, "h": STATE},
        """
        transpose:f32[2,2] = transpose[(1,0)] x['a']
        matmul:f32[3,2] = dot_general[((1),(0))] x['h'] params['U']
        transpose_2:f32[2,2] = transpose[(1,0)] x['b']
        add:f32[2,2] = add transpose transpose_2
        matmul_2:f32[3,2] = dot_general[((1),(0))] carry add
        add_2:f32[3,2] = add matmul matmul_2
        new carry: add_2
        """,
    ),
    "factor_contractions of a step": (
        factor_contractions, tied_kernel,
        {"U": MATRIX}, STATE, {"a": MATRIX, "b": MATRIX, "h": STATE},
        """
        transpose:f32[2,2] = transpose[(1,0)] x['a']
        matmul:f32[3,2] = dot_general[((1),(0))] carry transpose
        matmul_2:f32[3,2] = dot_general[((1),(0))] x['h'] params['U']
        add:f32[3,2] = add matmul matmul_2
        transpose_2:f32[2,2] = transpose[(1,0)] x['b']
        matmul_3:f32[3,2] = dot_general[((1),(0))] carry transpose_2
        add_2:f32[3,2] = add add matmul_3
        new carry: add_2
        """,
    ),
    "fuse_shared": (
        fuse_shared, shared_operand, {"A": MATRIX, "B": MATRIX}, STATE, STATE,
        """
        concat:f32[2,4] = concatenate[1] params['A'] params['B']
        matmul:f32[3,4] = dot_general[((1),(0))] carry concat
        slice:f32[3,2] = slice[0:3,0:2] matmul
        slice_2:f32[3,2] = slice[0:3,2:4] matmul
        tanh:f32[3,2] = tanh slice
        mul:f32[3,2] = mul tanh slice_2
        new carry: mul
        """,
    ),
    "fuse_sums": (
        fuse_sums, summed_products, {"A": MATRIX, "B": MATRIX}, STATE, STATE,
        """
        sin:f32[3,2] = sin carry
        cos:f32[3,2] = cos carry
        concat:f32[3,4] = concatenate[1] sin cos
        concat_2:f32[4,2] = concatenate[0] params['A'] params['B']
        matmul:f32[3,2] = dot_general[((1),(0))] concat concat_2
        new carry: matmul
        """,
    ),
    "fuse": (
        fuse, gates, dict.fromkeys(("Wa", "Ua", "Wb", "Ub"), MATRIX), STATE, STATE,
        """
        concat:f32[2,4] = concatenate[1] params['Wa'] params['Wb']
        concat_2:f32[2,4] = concatenate[1] params['Ua'] params['Ub']
        matmul:f32[3,4] = dot_general[((1),(0))] x concat
        slice:f32[3,2] = slice[0:3,0:2] matmul
        slice_2:f32[3,2] = slice[0:3,2:4] matmul
        matmul_2:f32[3,4] = dot_general[((1),(0))] carry concat_2
        slice_3:f32[3,2] = slice[0:3,0:2] matmul_2
        slice_4:f32[3,2] = slice[0:3,2:4] matmul_2
        add:f32[3,2] = add slice slice_3
        a:f32[3,2] = tanh add
        add_2:f32[3,2] = add slice_2 slice_4
        b:f32[3,2] = tanh add_2
        mul:f32[3,2] = mul a b
        new carry: mul
        """,
    ),
    "pretranspose": (
        pretranspose, across, {"U": MATRIX}, STATE, STATE,
        """
        transpose:f32[2,2] = transpose[(1,0)] params['U']
        matmul:f32[3,2] = dot_general[((1),(0))] carry transpose
        new carry: matmul
        """,
    ),
    "pretranspose of one row": (
        pretranspose, across, {"U": MATRIX}, struct(1, 2), struct(1, 2),
        """
        matmul:f32[1,2] = dot_general[((1),(1))] carry params['U']
        new carry: matmul
        """,
    ),
    "pretranspose of a batch on the last axis": (
        pretranspose, batch_of_the_last_axis, {"U": struct(2, 4, 4)}, struct(2, 4, 2), struct(2),
        """
        transpose:f32[2,4,4] = transpose[(0,2,1)] params['U']
        matmul:f32[2,2,4] = dot_general[((1),(1)) batch=((2),(0))] carry transpose
        transpose_2:f32[2,4,2] = transpose[(1,2,0)] matmul
        new carry: transpose_2
        """,
    ),
    "canonical_layout": (
        canonical_layout, convolution, {"k": struct(2, 2, 3)}, struct(1, 2, 5), struct(1),
        """
        transpose:f32[1,5,2] = transpose[(0,2,1)] carry
        transpose_2:f32[3,2,2] = transpose[(2,1,0)] params['k']
        conv:f32[1,5,2] = conv_general_dilated[window_strides=(1) padding=((1,1)) ((0,2,1),(2,1,0),(0,2,1))] transpose transpose_2
        transpose_3:f32[1,2,5] = transpose[(0,2,1)] conv
        new carry: transpose_3
        """,  # noqa: E501
    ),
    "simplify": (
        simplify, transposed_product, {"U": MATRIX}, STATE, STATE,
        """
        transpose:f32[2,3] = transpose[(1,0)] carry
        matmul:f32[3,2] = dot_general[((0),(1))] transpose params['U']
        new carry: matmul
        """,
    ),
}  # fmt: skip


def operations(body):
    """The lines of a body's text between its inputs and its outputs."""
    lines = [line.strip() for line in text_of(body).splitlines()]
    return [line for line in lines[1:] if line != "outputs: none"]


@pytest.mark.parametrize("name", GOLDEN)
def test_the_text_after_a_pass(name):
    run, step, params, carry, x, text = GOLDEN[name]
    body = body_of(step, params, carry, x)
    result = run(body)
    verify(result)
    assert operations(result) == [line for line in dedent(text).splitlines() if line]


def test_every_pass_has_a_golden_text():
    names = {run.__name__ for run in PASSES}
    names |= {p.__name__ for p in (remove_copies, merge_common, fuse_shared, fuse_sums)}
    assert names <= {name.split(" of ")[0] for name in GOLDEN}


def test_fold_transposes_replaces_the_reader_of_the_product():
    body = fold_transposes(body_of(transposed_product, {"U": MATRIX}, STATE, STATE))
    assert [op.name for op in body.ops] == ["transpose", "dot_general", "dot_general"]


@pytest.mark.parametrize("kernels_first", [True, False])
def test_fold_transposes_keeps_that_of_a_batch_of_vectors(kernels_first):
    """The batch is an axis of both operands, so their exchange does not transpose the result."""

    def step(p, h, x):
        batch = (0,), (0,)
        if kernels_first:
            return lax.dot_general(p["U"], h, (((2,), (1,)), batch)).T, None
        return lax.dot_general(h, p["U"], (((1,), (2,)), batch)).T, None

    body = body_of(step, {"U": struct(2, 2, 2)}, MATRIX, MATRIX)
    assert text_of(fold_transposes(body)) == text_of(body)


def test_optimize_stops_after_the_named_pass():
    body = body_of(biased, {"W": MATRIX, "U": MATRIX, "b": STATE}, STATE, STATE)
    assert operations(optimize(body, after="reorder_sums")) == operations(reorder_sums(body))
    assert optimize(body, passes=[]) is body


def test_the_header_names_every_input_with_its_type():
    body = body_of(scaled, {}, STATE, {"a": STATE, "b": STATE})
    assert text_of(body).splitlines()[0] == (
        "step(carry carry:f32[3,2]; xs x['a']:f32[3,2], x['b']:f32[3,2]):"
    )
