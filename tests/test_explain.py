"""What the compiler makes of a step: operation counts, products, shapes, memory. Exact numbers."""

import re
from functools import partial

import jax
import jax.numpy as jnp
import pytest

import recurrax as rx
from recurrax.evaluators import boundaries
from recurrax.evaluators.chunk_length import default_chunk
from recurrax.program.contractions import contraction_size
from recurrax.program.schedule import plan_of
from tests.all_cells import CASES, TIERS

B, T, D, H = 4, 100, 8, 16


def explained(cell, batch=(B,), **options):
    params = cell.init(jax.random.key(0), D)
    carry = cell.initial_carry(batch)
    xs = jax.ShapeDtypeStruct((T, *batch, D), jax.tree.leaves(params)[0].dtype)
    carry = jax.tree.map(lambda a: a.astype(xs.dtype), carry)
    return rx.explain(partial(cell.step, params), carry, xs, **options)


# Stages forward, products in the loop forward and backward, counted in the equations: products that
# must follow one another, and those left after products with a shared operand are joined. Where
# nothing is said there is one of each. A diagonal product is no matrix product; `h L R` is two, the
# second of every gate its own.
NONE, TWO = (0, 0, 0), (2, 2, 2)
PRODUCTS = {
    "lstm_full_peephole": (2, 3, 3),  # h and c, then the new c
    "lstm_full_peephole_prev": (1, 2, 2),
    "lstm_projection": TWO,
    "lstm_everything": (3, 4, 4),
    "gru_before": TWO,
    "mgu": TWO,
    "elman_diagonal": NONE,
    "lstm_diagonal": NONE,
    "lstm_low_rank": (3, 6, 6),  # with a projection
    "gru_diagonal": NONE,
    "gru_blocks": TWO,
    "gru_low_rank": (2, 4, 4),
    "fgr_lstm": (1, 2, 2),  # h and the gates
    "ind_rnn": NONE,
    "ind_rnn_tanh": NONE,
    "min_gru": NONE,
    "min_gru_positive": NONE,
    "min_lstm": NONE,
    "min_lstm_positive": NONE,
    "lru": NONE,
    "rg_lru": NONE,
    "sru_1": NONE,
    "sru_1_highway": NONE,
    "sru_2": NONE,
    "sru_2_tanh": NONE,
    "qrnn_f": NONE,
    "qrnn_fo": NONE,
    "qrnn_ifo": NONE,
    "fast_grnn_low_rank": TWO,
    "lem": TWO,
    "lem_dt": TWO,
    "brc": NONE,
    "mut1": TWO,
    "mut2": TWO,
    "mut3": (2, 3, 3),  # h, tanh(h) and r * h
    "multiplicative_lstm": TWO,
    "multiplicative_lstm_common": TWO,
    "jordan": TWO,
    "jordan_options": TWO,
    "unicornn": NONE,
    "unicornn_options": NONE,
    "rhn": (3, 3, 3),  # its depth
    "mi_gru": TWO,
    "lmu": (2, 3, 3),  # what is written, the memory, then h
}
LINEAR = (
    "elman_identity",
    "min_gru", "min_gru_positive", "min_lstm", "min_lstm_positive", "lru", "rg_lru",
    "sru_1", "sru_1_highway", "qrnn_f", "qrnn_fo", "qrnn_ifo",
)  # fmt: skip
TWO_LOOPS = {"scrn", "scrn_alpha", "clockwork", "clockwork_sigmoid"}  # one needs not the other


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in TIERS["cell"] else pytest.mark.once) for n in CASES]
)
def test_every_cell_has_the_products_of_its_equations(name):
    case = CASES[name]
    params = case.cell.init(jax.random.key(0), case.in_features)
    plan = rx.explain(
        partial(case.cell.step, params),
        case.cell.initial_carry((2,)),
        jax.ShapeDtypeStruct((5, 2, case.in_features), jnp.zeros(()).dtype),
    )
    assert plan.method == "chunked", plan.reason
    if name in TWO_LOOPS:
        slow, loop = plan.forward.loops
        assert (slow.stages, slow.matmuls, slow.diagonal) == (0, (), True)
        back, _ = plan.backward.loops
    else:
        (loop,), (back,) = plan.forward.loops, plan.backward.loops
    found = loop.stages, len(loop.matmuls), len(back.matmuls)
    assert found == PRODUCTS.get(name, (1, 1, 1))
    assert loop.diagonal == (found == NONE)
    assert loop.linear == (name in LINEAR)
    assert back.linear


# Operations in the loop, forward and backward, as one would count them with a pencil.
# cut: a gate's part of the product; sum: with what was computed before the loop; mix:
# (1 - z) n + z h. Backward, d is the cotangent of the new h; each gate has one factor, its slope;
# all gates' cotangents side by side are multiplied by the turned kernels.
COUNTS = {
    # product, sum, tanh | d +, slope, product
    "tanh RNN": (rx.Elman(H), 1 + 1 + 1, 1 + 1 + 1),
    # product, cuts, sums, activations, f c + i g, o tanh(c) | d +, dc +, slopes of i f g o and of
    # tanh(c), dc f, side by side, product
    "LSTM": (rx.LSTM(H), 1 + 4 + 4 + 4 + 3 + 2, 1 + 1 + 4 + 1 + 1 + 1 + 1),
    "CIFG": (rx.LSTM(H, couple=True), 1 + 3 + 3 + 3 + 4 + 2, 1 + 1 + 3 + 1 + 1 + 1 + 1),
    # product, cuts, sums, + b_n, r (.), activations, mix | d +, slopes, r (.), d z +, side by side,
    # product
    "GRU": (rx.GRU(H), 1 + 3 + 3 + 1 + 1 + 3 + 4, 1 + 3 + 1 + 2 + 1 + 1),
    # products, cuts, sums, r h, activations, mix | d +, slopes, products, side by side, d z + . r +
    "GRU, reset before": (rx.GRU(H, reset="before"), 2 + 2 + 3 + 1 + 3 + 4, 1 + 3 + 2 + 1 + 4),
    # product, cuts, sums, activations, mix | d +, slopes, side by side, product, d g +
    "UGRNN": (rx.UGRNN(H), 1 + 2 + 2 + 2 + 4, 1 + 2 + 1 + 1 + 2),
    "minGRU": (rx.MinGRU(H), 2, 2),
}


@pytest.mark.parametrize(("cell", "forward", "backward"), COUNTS.values(), ids=COUNTS)
def test_the_loop_has_no_operation_that_could_be_elsewhere(cell, forward, backward):
    plan = explained(cell)
    (loop,), (back,) = plan.forward.loops, plan.backward.loops
    assert (loop.operations, back.operations) == (forward, backward)


@pytest.mark.parametrize(
    ("entries", "steps", "forward", "backward"),
    [
        (16, 4096, 256, 256),  # at most 256
        (16, 1024, 256, 128),  # a quarter of the run, an eighth of it backward
        (16, 64, 16, 8),
        (16, 40, 10, 8),  # not fewer than 8
        (16, 5, 5, 5),  # nor more than there are
        (16, 97, 24, 12),  # a prime: the last chunk is shorter
        (16, 100, 25, 10),  # a divisor near 100 / 8
        (1 << 13, 1024, 16, 16),  # 2^17 entries of the carry
        (1 << 16, 1024, 8, 8),
        (1 << 16, 1009, 8, 8),
        (1 << 13, 945, 15, 15),
        (1 << 13, 511, 16, 16),  # no divisor of 511 is in 9 ... 16
        (16, 1, 1, 1),
    ],
)
def test_the_length_of_a_chunk_is_that_of_the_documentation(entries, steps, forward, backward):
    carry = jax.ShapeDtypeStruct((entries,), jnp.zeros(()).dtype)
    xs = jax.ShapeDtypeStruct((steps, entries), carry.dtype)
    plan = rx.explain(lambda h, x: (jnp.tanh(h + x),) * 2, carry, xs)
    assert (plan.forward.chunk, plan.backward.chunk) == (forward, backward)


@pytest.mark.parametrize(
    ("steps", "piece"),
    [
        (64, 8),
        (60, 6),
        (35, 5),
        (68, 9),  # no divisor of 68 is in 5 ... 9
        (97, 10),
        (5, 3),
        (2, 2),
        (1, 1),
    ],
)
def test_between_kept_borders_lie_about_as_many_steps_as_there_are_borders(steps, piece):
    assert boundaries.chunk_between_boundaries(steps) == piece


def test_no_loop_asks_at_every_step_whether_an_index_is_negative():
    cell = rx.LSTM(H)
    params = cell.init(jax.random.key(0), D)
    xs = jnp.zeros((B, T, D), params.b.f.dtype)
    loss = jax.value_and_grad(lambda p, xs: jnp.sum(rx.unroll(cell, p, xs)[1]), (0, 1))
    text = jax.jit(loss).lower(params, xs).as_text()
    loops, smaller = (
        len(re.findall(rf"stablehlo.{op}\b", text)) for op in ("while", "compare +LT")
    )
    assert loops >= 2
    assert smaller == loops  # whether to go on


def operations(step, h):
    """How many operations the loops of a step have, whose inputs look like its carry."""
    plan = rx.explain(step, h, jax.ShapeDtypeStruct((T, *h.shape), h.dtype))
    return sum(loop.operations for loop in plan.forward.loops)


def test_what_changes_nothing_or_is_there_already_costs_no_operation():
    h = jnp.ones((B, H))
    m = jnp.arange(H, dtype=h.dtype).reshape(1, H)

    def plain(h, x):
        return jnp.tanh(h + x), None

    def with_idle(h, x):
        h = jax.lax.broadcast_in_dim(jnp.copy(h), h.shape, (0, 1))
        return jnp.tanh(jax.lax.convert_element_type(h.reshape(h.shape), h.dtype) + x), None

    def twice(h, x):
        return jnp.sin(2.0 * h) + jnp.cos(2.0 * h) + x, None

    def twice_with_arrays(h, x):
        return jnp.sin(m * h) + jnp.cos(m * h) + x, None

    def signs_of_zero(h, x):  # 0 is not -0: as where something divides by them
        return jnp.sin(jnp.copysign(h, 0.0)) + jnp.copysign(h, -0.0) + x, None

    assert operations(plain, h) == operations(with_idle, h) == 2
    assert operations(twice, h) == operations(twice_with_arrays, h) == 5
    assert operations(signs_of_zero, h) > operations(
        lambda h, x: (jnp.sin(jnp.copysign(h, 0.0)) + jnp.copysign(h, 0.0) + x, None), h
    )


def test_input_projections_are_one_product_in_bulk():
    plan = explained(rx.LSTM(H))
    assert [(p.shape, p.parts) for p in plan.forward.bulk] == [((B, 4 * H), 4)]
    (product,) = plan.forward.loops[0].matmuls
    assert (product.shape, product.parts, product.flops) == ((B, 4 * H), 4, 2 * B * H * 4 * H)
    assert plan.forward.loops[0].live_in == ((B, H),) * 4  # an array per gate


def test_weight_gradients_of_all_gates_and_both_kernels_are_one_product_for_a_chunk():
    plan = explained(rx.LSTM(H))
    assert [(p.shape, p.parts) for p in plan.backward.reductions] == [((D + H, 4 * H), 8)]
    # A GRU that resets after the product has other cotangents for W_n x than for U_n h.
    plan = explained(rx.GRU(H))
    assert sorted(p.shape for p in plan.backward.reductions) == [(D, 3 * H), (H, 3 * H)]


def test_the_gradient_of_a_kernel_whose_axes_are_moved_is_one_product_for_a_chunk():
    """The sum over time goes through the move."""
    kernels = jnp.ones((H, 2, H))

    def step(h, x):
        h = jnp.tanh(h @ jnp.transpose(kernels, (1, 0, 2)) + x)
        return h, h

    h = jnp.ones((2, B, H))
    plan = rx.explain(step, h, jax.ShapeDtypeStruct((T, *h.shape), h.dtype)).backward
    assert plan.bulk == ()
    assert [p.shape for p in plan.reductions] == [(2, H, H)]


def test_preactivations_are_one_product_of_input_and_state():
    plan = explained(rx.LSTM(H))
    recomputed, of_input = plan.backward.bulk
    assert (recomputed.shape, recomputed.parts) == ((B, 4 * H), 8)
    assert recomputed.flops == 2 * B * (D + H) * 4 * H
    assert of_input.shape == (B, D)


def test_a_slope_that_the_new_carry_tells_needs_no_product():
    plan = explained(rx.Elman(H))
    assert [p.shape for p in plan.backward.bulk] == [(B, D)]  # the cotangent of the input
    assert plan.residual_bytes_per_step == 0


def test_gates_of_long_products_are_kept_and_none_is_computed_again():
    wide = 512
    size = jnp.zeros(()).dtype.itemsize
    for cell, gates in ((rx.LSTM(wide), 4), (rx.GRU(wide, reset="before"), 3)):
        carries = len(jax.tree.leaves(cell.initial_carry(()))) - 1  # but for h, an output
        plan = explained(cell)
        assert [p.shape for p in plan.backward.bulk] == [(B, D)]
        assert plan.residual_bytes_per_step == (carries + gates) * B * wide * size
        plan = explained(cell, residuals="carries")
        assert plan.residual_bytes_per_step == carries * B * wide * size
        assert len(plan.backward.bulk) > 1


def test_a_mixture_costs_the_backward_loop_one_product_with_its_cotangent():
    # h' = (1 - z) n + z h: d h' enters z's cotangent as (h - n) d h', not as h d h' - n d h'.
    (loop,) = explained(rx.GRU(H)).backward.loops
    assert loop.live_in == ((B, H),) * 6  # z, r, the slopes of n, z and r, and the cotangent of y


def test_only_carries_that_are_no_outputs_are_kept_beside_them():
    assert explained(rx.GRU(H)).residual_bytes_per_step == 0
    assert explained(rx.LSTM(H)).residual_bytes_per_step == B * H * jnp.zeros(()).dtype.itemsize


def test_no_carry_is_kept_that_no_derivative_reads():
    h = jnp.ones((B, H))
    xs = jax.ShapeDtypeStruct((T, B, H), h.dtype)
    for step, kept in ((lambda h, x: (0.5 * h + x, None), 0), (lambda h, x: (x * h, None), 1)):
        assert rx.explain(step, h, xs).residual_bytes_per_step == kept * h.nbytes


def test_a_stack_in_one_step_is_one_loop_per_layer_and_its_readout_leaves():
    first, second = rx.GRU(H), rx.LSTM(H)
    p, q = first.init(jax.random.key(0), D), second.init(jax.random.key(1), H)
    w = jnp.ones((H, 3))

    def step(carry, x):
        a, y = first.step(p, carry[0], x)
        b, y = second.step(q, carry[1], y)
        return (a, b), y @ w

    dtype = w.dtype
    init = jax.tree.map(
        lambda a: a.astype(dtype), (first.initial_carry((B,)), second.initial_carry((B,)))
    )
    plan = rx.explain(step, init, jax.ShapeDtypeStruct((T, B, D), dtype))
    assert [len(loop.matmuls) for loop in plan.forward.loops] == [1, 1]
    shapes = [(p.shape, p.parts) for p in plan.forward.bulk]
    assert shapes == [((B, 3 * H), 3), ((B, 4 * H), 4), ((B, 3), 1)]


def test_a_linear_and_diagonal_loop_is_recognised():
    a = jnp.full((1, H), 0.9)
    xs = jax.ShapeDtypeStruct((T, B, H), a.dtype)
    init = jnp.zeros((B, H))
    (loop,) = rx.explain(lambda h, x: (a * h + x, h), init, xs).forward.loops
    assert (loop.linear, loop.diagonal, loop.stages) == (True, True, 0)
    (loop,) = rx.explain(lambda h, x: (jnp.tanh(a * h) + x, h), init, xs).forward.loops
    assert (loop.linear, loop.diagonal) == (False, True)
    for mixing in (
        partial(jnp.cumsum, axis=1),
        jnp.sort,
        lambda h: h[:, ::-1],
        lambda h: h + h[:, :1],
    ):

        def step(h, x, mixing=mixing):
            return mixing(0.5 * h) + x, h

        (loop,) = rx.explain(step, init, xs).forward.loops
        assert not loop.diagonal
    m = jnp.eye(H)
    (loop,) = rx.explain(lambda h, x: (h @ m + x, h), init, xs).forward.loops
    assert (loop.linear, loop.diagonal) == (True, False)


def test_convolutions_that_share_their_input_become_one():
    kernels = [jnp.ones((3, 2, 2)) * i for i in (1.0, 2.0)]

    def convolve(a, kernel):
        dims = ("NWC", "WIO", "NWC")
        return jax.lax.conv_general_dilated(a, kernel, (1,), "SAME", dimension_numbers=dims)

    def step(h, x):
        f, n = (convolve(h, k) + convolve(x, k) for k in kernels)
        h = jax.nn.sigmoid(f) * h + jnp.tanh(n)
        return h, h

    init = jnp.zeros((B, 6, 2))
    plan = rx.explain(step, init, jax.ShapeDtypeStruct((T, B, 6, 2), init.dtype))
    assert [p.parts for p in plan.forward.loops[0].matmuls] == [2]
    assert [p.parts for p in plan.forward.bulk] == [2]


def products_of_a_sum(second):
    """How many products remain of ``h A + c B``, where ``second(c, B, x)`` makes the other one."""
    A, B_kernel = jnp.ones((H, H)), 2 * jnp.ones((H, H))

    def step(carry, x):
        h, c = carry
        z = jnp.tanh(h @ A + second(c, B_kernel, x))
        return (z, jnp.sin(h)), z

    init = jnp.zeros((B, H)), jnp.zeros((B, H))
    plan = rx.explain(step, init, jax.ShapeDtypeStruct((T, H, H), init[0].dtype))
    return [product.parts for loop in plan.forward.loops for product in loop.matmuls]


def test_kernels_are_joined_rather_than_rows():
    """``h A``, ``h B``, ``c A`` are ``h [A B]`` and ``c A``, not ``[h; c] A`` and ``h B``."""
    A, C = jnp.ones((H, H)), jnp.ones((H, 3))

    def step(carry, x):
        h, c = carry
        return (jnp.tanh(h @ A * jnp.sum(h @ C)) + c + x, jnp.sin(c @ A) + h), None

    init = jnp.zeros((B, H)), jnp.zeros((B, H))
    (loop,) = rx.explain(step, init, jax.ShapeDtypeStruct((T, B, H), A.dtype)).forward.loops
    assert {(p.shape, p.parts) for p in loop.matmuls} == {((B, H + 3), 2), ((B, H), 1)}


def test_rows_are_joined_that_share_a_batch_of_kernels():
    """Whose batch is on another axis of each operand."""
    kernels = jnp.ones((D, H, 2))

    def dot(a):
        return jax.lax.dot_general(a, kernels, (((2,), (0,)), ((1,), (2,))))

    def step(h, x):
        return jnp.sin(h), dot(x) * dot(jnp.cos(x))

    xs = jax.ShapeDtypeStruct((T, B, 2, D), kernels.dtype)
    plan = rx.explain(step, jnp.zeros(()), xs)
    assert [(p.shape, p.parts) for p in plan.forward.bulk] == [((2, 2 * B, H), 2)]


def test_a_tangent_runs_in_chunks_of_a_derivative():
    h, xs = jnp.ones(H), jnp.ones((64, H))

    def tangent(h):
        return jax.jvp(lambda h: rx.scan(lambda h, x: (jnp.tanh(h + x), h), h, xs), (h,), (h,))

    steps = [e.params["step"] for e in jax.make_jaxpr(tangent)(h).eqns if "step" in e.params]
    assert [default_chunk(plan_of(step.body), step) for step in steps] == [16, 8]


def test_what_does_not_depend_on_the_tangent_has_none():
    h, xs = jnp.ones(H), jnp.ones((16, H))

    def tangent(h):
        def run(h):
            return rx.scan(lambda h, x: (jnp.tanh(h + x), (jnp.sin(x), h)), h, xs)

        return jax.jvp(run, (h,), (h,))

    _, step = (e.params["step"] for e in jax.make_jaxpr(tangent)(h).eqns if "step" in e.params)
    assert len(step.y_axes) == 1


def test_contraction_size_by_a_convolution_are_those_of_its_window_and_features():
    def convolve(a, kernel):
        return jax.lax.conv_general_dilated(a, kernel, (1,), "SAME")

    (eqn,) = jax.make_jaxpr(convolve)(jnp.ones((2, 5, 9)), jnp.ones((4, 5, 3))).eqns
    shapes = [v.aval.shape for v in eqn.invars]
    assert contraction_size(eqn.primitive.name, eqn.params, *shapes) == 5 * 3


def test_products_are_joined_in_a_sum_only_if_they_are_alike():
    assert products_of_a_sum(lambda c, kernel, x: c @ kernel) == [2]
    coarse = partial(jnp.matmul, precision="bfloat16")  # unlike the default of the tests
    assert products_of_a_sum(lambda c, kernel, x: coarse(c, kernel)) == [1, 1]
    assert products_of_a_sum(lambda c, kernel, x: c @ x) == [1, 1]  # no kernel: it would be copied
    assert products_of_a_sum(lambda c, kernel, x: (kernel @ c.T).T) == [1, 1]


@pytest.mark.parametrize(
    "move",
    [
        lambda a: jnp.squeeze(a, 1),
        lambda a: jnp.transpose(a, (1, 0, 2)),
        lambda a: jnp.transpose(jnp.squeeze(a, 1)).reshape(H, 1, B),
    ],
    ids=["squeezed", "transposed", "all three"],
)
def test_products_are_joined_in_a_sum_of_moved_results(move):
    """As the derivative of a batched product moves the axes of a batch back."""
    A, C = jnp.ones((H, H)), 2 * jnp.ones((H, H))

    def step(carry, x):
        h, c = carry
        z = move(h @ A) + move(c @ C)
        return (jnp.tanh(z).reshape(h.shape) + x, jnp.sin(h)), None

    init = jnp.zeros((B, 1, H)), jnp.zeros((B, 1, H))
    (loop,) = rx.explain(step, init, jax.ShapeDtypeStruct((T, B, 1, H), A.dtype)).forward.loops
    assert [product.parts for product in loop.matmuls] == [2]


def test_a_product_turned_round_keeps_the_precision_of_each_operand():
    def step(h, x):
        turned = jnp.matmul(x, h, precision=("highest", "default")).T
        return jnp.tanh(turned), None

    h = jnp.ones((H, H))
    run = jax.jit(partial(rx.scan, step, chunk=4)).lower(h, jnp.ones((8, H, H))).as_text()
    assert re.findall(r"stablehlo.dot_general.*precision = \[(.*?)\]", run) == ["DEFAULT, HIGHEST"]


def test_a_step_without_a_loop_runs_in_chunks_as_well():
    """What is wide inside a step never exists for all steps at once."""
    steps, wide = 4096, 512
    kernel = jnp.ones((1, wide))

    def step(h, x):
        return h, jnp.sin(x @ kernel) @ kernel.T

    xs = jnp.ones((steps, 1, 1))
    memory = jax.jit(partial(rx.scan, step)).lower(None, xs).compile().memory_analysis()
    assert memory.temp_size_in_bytes < steps * wide * xs.itemsize / 8


def test_the_report_says_why_a_step_is_left_to_lax_scan():
    plan = rx.explain(
        lambda h, x: (jax.lax.cond(x > 0, jnp.sin, jnp.cos, h), h), jnp.zeros(()), jnp.ones(3)
    )
    assert plan.method == "scan"
    assert "cond" in plan.reason
    assert str(plan) == f"method: scan ({plan.reason})"


def test_the_report_can_be_read():
    text = str(explained(rx.GRU(H, reset="before")))
    assert "loop over carry.h: 2 matmul stages" in text
    assert "(4, 32) (one matmul for 2), (4, 16)" in text
    assert "residuals: 0 bytes per step" in text
    assert "not associative, because the loop is not linear in its carry" in text


def temporary_bytes(cell, batch, steps, features, **options):
    params = cell.init(jax.random.key(0), features)
    dtype = jax.tree.leaves(params)[0].dtype
    xs = jax.ShapeDtypeStruct((batch, steps, features), dtype)
    ct = jax.ShapeDtypeStruct((batch, steps, cell.out_features), dtype)

    def gradients(params, xs, ct):
        return jax.grad(lambda p, x: jnp.sum(rx.unroll(cell, p, x, **options)[1] * ct), (0, 1))(
            params, xs
        )

    compiled = jax.jit(gradients).lower(params, xs, ct).compile()
    return compiled.memory_analysis().temp_size_in_bytes


@pytest.mark.parametrize("cell", [rx.LSTM(64), rx.GRU(64)], ids=["lstm", "gru"])
def test_memory_of_a_gradient_against_that_of_lax_scan(cell):
    shape = (32, 256, 32)
    plain = temporary_bytes(cell, *shape, method="scan")
    assert temporary_bytes(cell, *shape) <= 0.45 * plain


def test_border_carries_bound_the_memory_of_long_sequences():
    cell = rx.LSTM(8)
    params = cell.init(jax.random.key(0), 4)
    xs = jnp.ones((20_000, 2, 4))

    def temporary(**options):
        def loss(p):
            carry, _ = rx.unroll(cell, p, xs, time_axis=0, **options)
            return jnp.sum(carry.h**2)

        return jax.jit(jax.grad(loss)).lower(params).compile().memory_analysis().temp_size_in_bytes

    borders = temporary(residuals="boundaries")
    assert borders <= 0.35 * temporary()
    assert borders <= 0.1 * temporary(method="scan")


def test_vmap_over_rows_costs_the_memory_of_the_native_batch():
    cell = rx.LSTM(32)
    params = cell.init(jax.random.key(0), 16)
    xs = jnp.ones((16, 64, 16))

    def loss(p, x):
        return jnp.sum(rx.unroll(cell, p, x)[1] ** 2)

    def by_rows(p, x):
        return jnp.sum(jax.vmap(loss, (None, 0))(p, x))

    native, mapped = (
        jax.jit(jax.grad(f)).lower(params, xs).compile().memory_analysis().temp_size_in_bytes
        for f in (loss, by_rows)
    )
    assert mapped <= 1.2 * native


def test_vmap_over_an_ensemble_stays_one_loop_with_one_product():
    params = rx.GRU(H).init(jax.random.key(0), D)
    many = jax.tree.map(lambda a: jnp.stack([a] * 3), params)

    def members(carry, x):
        return jax.vmap(rx.GRU(H).step)(many, carry, x)

    init = jax.vmap(lambda _: rx.GRU(H).initial_carry((B,)))(jnp.arange(3))
    init = jax.tree.map(lambda a: a.astype(jax.tree.leaves(params)[0].dtype), init)
    xs = jax.ShapeDtypeStruct((T, 3, B, D), jax.tree.leaves(params)[0].dtype)
    (loop,) = rx.explain(members, init, xs).forward.loops
    assert [(p.shape, p.parts) for p in loop.matmuls] == [((3, B, 3 * H), 3)]


def test_kernels_concatenated_by_hand_have_their_gradients_summed_by_the_product():
    kernels = [jnp.ones((H, H)) * i for i in (1.0, 2.0)]

    def step(h, x):
        f, n = jnp.split(h @ jnp.concatenate(kernels, axis=1), 2, axis=-1)
        h = jax.nn.sigmoid(f) * jnp.tanh(n) + x
        return h, h

    init = jnp.zeros((B, H))
    plan = rx.explain(step, init, jax.ShapeDtypeStruct((T, B, H), init.dtype))
    assert [p.shape for p in plan.backward.reductions] == [(H, 2 * H)]
    assert [p.shape for p in plan.backward.bulk] == [(B, 2 * H)]  # the pre-activations


@pytest.mark.parametrize(
    ("recurrent", "kernel", "turned"),
    [(rx.Full(), "6x24", "24x6"), (rx.BlockDiagonal(2), "2x3x12", "2x12x3")],
    ids=["full", "blocks"],
)
def test_kernels_that_a_loop_reads_across_are_turned(recurrent, kernel, turned):
    """But not for a single row, where a turned copy would only take memory."""
    cell = rx.LSTM(6, recurrent=recurrent)
    params = cell.init(jax.random.key(0), 3)

    def turns(batch):
        def loss(params, xs):
            return jnp.sum(rx.unroll(cell, params, xs)[1])

        xs = jnp.ones((batch, 16, 3), params.b.i.dtype)
        text = jax.jit(jax.grad(loss)).lower(params, xs).as_text()
        return len(re.findall(rf"transpose .*tensor<{kernel}xf\d+>\) -> tensor<{turned}xf", text))

    assert turns(1) == 0
    assert turns(2) > 0


def test_kernels_are_put_side_by_side_for_all_gates_before_they_are_stacked():
    """The forward pass has ``[W_i ... W_o]`` and ``[U_i ... U_o]``, and no ``[W_i; U_i]``."""
    cell = rx.LSTM(6)
    params = cell.init(jax.random.key(0), 3)
    loss = jax.grad(lambda p, xs: jnp.sum(rx.unroll(cell, p, xs)[1]))
    text = jax.jit(loss).lower(params, jnp.ones((2, 16, 3), params.b.i.dtype)).as_text()
    made = re.findall(r"stablehlo.concatenate.* -> tensor<(\d+x\d+)xf", text)
    assert "9x24" in made
    assert "9x6" not in made


def test_the_bias_gradients_of_all_gates_are_one_sum_over_time_and_batch():
    """Over time first, then over the batch, takes XLA:CPU far longer."""
    cell = rx.LSTM(6)
    params = cell.init(jax.random.key(0), 3)

    def loss(params, xs):
        return jnp.sum(rx.unroll(cell, params, xs)[1])

    xs = jnp.ones((2, 16, 3), params.b.i.dtype)
    text = jax.jit(jax.grad(loss)).lower(params, xs).as_text()
    sums = re.findall(r"reduce\(.* dimensions = \[(.*)\] : \(tensor<\d+x2x(\d+)xf", text)
    assert sums == [("0, 1", "24")]


def test_values_have_the_names_of_the_users_variables():
    W, V = jnp.ones((H, H)), jnp.ones((H, H))

    def step(h, x):
        a = h @ W
        b = h @ V
        chosen = jnp.where(x > 0, a, b)
        h = jnp.tanh(chosen)
        return h, a

    text = rx.explain(step, jnp.ones((B, H)), jnp.ones((T, B, H))).text
    forward, backward = text.split("# backward")
    names = {line.split(":")[0].strip(): line for line in forward.splitlines() if " = " in line}
    assert "= slice[" in names["a"]
    assert "= slice[" in names["b"]
    assert "= select_n" in names["chosen"]
    assert "= tanh chosen" in names["h"]
    assert all("test_explain.py:" in names[name] for name in ("chosen", "h"))
    assert "W:" in forward
    assert "ct(carry):" in backward


def test_a_variable_of_the_step_names_no_cotangent_of_the_same_line():
    """The transpose of a product is a product, too, and comes from the same place."""
    W = jnp.ones((H, H))

    def step(h, x):
        a = h @ W
        b = x * a
        return jnp.sin(b), a

    text = rx.explain(step, jnp.ones((B, H)), jnp.ones((T, B, H))).text
    backward = re.findall(r"^ +(a|b):.* = (.*)  #", text.split("# backward")[1], re.MULTILINE)
    assert backward == [("a", "dot_general[((1),(0))] carry W"), ("b", "mul x a")]


def test_each_explanation_has_the_names_of_its_own_arguments():
    def step(c, x):
        return jax.tree.map(lambda a: jnp.tanh(a + x), c), x

    h, xs = jnp.ones((B, H)), jnp.ones((T, B, H))
    for name in ("a", "b"):
        assert f"carry['{name}']" in rx.explain(step, {name: h}, xs).text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "associative"}, "method='associative' cannot run this step: the loop is not"),
        ({"method": "fast"}, "method must be one of"),
        ({"unroll": -1}, "unroll must be a number of time steps"),
    ],
)
def test_explain_refuses_what_scan_refuses(options, message):
    h, xs = jnp.ones((B, H)), jnp.ones((T, B, H))
    with pytest.raises(ValueError, match=rf"rx\.explain: {message}"):
        rx.explain(lambda h, x: (jnp.tanh(h + x), h), h, xs, **options)
