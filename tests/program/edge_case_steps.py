"""Steps with something unusual about each of them, written by hand for `test_random_steps`."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

STEPS = {}


def edge_case(make):
    """Registers ``make(array, T) -> (step, params, init, xs)``; ``array`` draws one."""
    STEPS[make.__name__] = make
    return make


def spread(v, like):
    """A vector on every row; ranks do not promote in this suite."""
    return jnp.broadcast_to(v.reshape((1,) * (like.ndim - 1) + v.shape), like.shape)


def dense(p, x, h):
    return x @ p["w"] + h @ p["u"] + spread(p["b"], h)


def gate(array, m=3, n=2):
    return {"w": array(m, n), "u": array(n, n), "b": array(n)}


@edge_case
def elman(array, T):
    def step(p, h, x):
        h = jnp.tanh(dense(p, x, h))
        return h, h

    return step, gate(array), array(2, 2), array(T, 2, 3)


@edge_case
def lstm_with_a_product_per_gate(array, T):
    def step(p, carry, x):
        h, c = carry
        i, f, o = (jax.nn.sigmoid(dense(p[k], x, h)) for k in "ifo")
        c = f * c + i * jnp.tanh(dense(p["g"], x, h))
        h = o * jnp.tanh(c)
        return (h, c), h

    return step, {k: gate(array) for k in "ifog"}, (array(2, 2), array(2, 2)), array(T, 2, 3)


@edge_case
def gru_reset_before(array, T):
    def step(p, h, x):
        r, z = (jax.nn.sigmoid(dense(p[k], x, h)) for k in "rz")
        n = jnp.tanh(dense(p["n"], x, r * h))
        h = (1 - z) * n + z * h
        return h, h

    return step, {k: gate(array) for k in "rzn"}, array(2, 2), array(T, 2, 3)


@edge_case
def projection_and_an_output_gate_on_the_new_cell(array, T):
    def step(p, carry, x):
        r, c = carry
        i = jax.nn.sigmoid(x @ p["wi"] + r @ p["ui"] + c @ p["pi"])
        c = (1 - i) * c + i * jnp.tanh(x @ p["wg"] + r @ p["ug"])
        o = jax.nn.sigmoid(x @ p["wo"] + r @ p["uo"] + c @ p["po"])
        return ((o * jnp.tanh(c)) @ p["down"], c), o

    params = {k: array(3, 4) for k in ("wi", "wg", "wo")} | {
        **{k: array(2, 4) for k in ("ui", "ug", "uo")},
        **{k: array(4, 4) for k in ("pi", "po")},
        "down": array(4, 2),
    }
    return step, params, (array(2, 2), array(2, 4)), array(T, 2, 3)


@edge_case
def diagonal(array, T):
    def step(p, h, x):
        a = jax.nn.sigmoid(x @ p["a"])
        h = a * h + (1 - a) * (x @ p["w"])
        return h, h @ p["out"]

    return (
        step,
        {"a": array(3, 2), "w": array(3, 2), "out": array(2, 3)},
        array(2, 2),
        array(T, 2, 3),
    )


@edge_case
def complex_diagonal(array, T):
    def step(p, h, x):
        rate = jnp.exp(lax.complex(-jnp.exp(p["nu"]), p["theta"]))
        h = spread(rate, h) * h + lax.complex(x @ p["w"], jnp.zeros((2, 2)))
        return h, h.real

    params = {"nu": array(2), "theta": array(2), "w": array(3, 2)}
    return step, params, lax.complex(array(2, 2), array(2, 2)), array(T, 2, 3)


@edge_case
def convolutional(array, T):
    def conv(a, k):
        return lax.conv_general_dilated(a, k, (1,), "SAME")

    def step(p, carry, x):
        h, c = carry
        f, o = (jax.nn.sigmoid(conv(x, p[k]["w"]) + conv(h, p[k]["u"])) for k in "fo")
        c = f * c + (1 - f) * jnp.tanh(conv(x, p["g"]["w"]) + conv(h, p["g"]["u"]))
        h = o * jnp.tanh(c)
        return (h, c), h

    params = {k: {"w": array(2, 1, 3), "u": array(2, 2, 3)} for k in "fog"}
    return step, params, (array(2, 2, 4), array(2, 2, 4)), array(T, 2, 1, 4)


@edge_case
def convolutions_with_axes_in_other_places(array, T):
    def conv(a, k, out, **more):
        numbers = ("CHWN", "WOIH", out)
        return lax.conv_general_dilated(a, k, (1, 1), "SAME", dimension_numbers=numbers, **more)

    def step(p, h, x):
        f, g = (conv(x, q["w"], "HNCW") + conv(h, q["u"], "HNCW") for q in p["gates"])
        f = jnp.transpose(jax.nn.sigmoid(f), (2, 0, 3, 1))
        g = jnp.transpose(jnp.tanh(g), (2, 0, 3, 1))
        h = f * h + (1 - f) * jnp.tanh(g + conv(h, p["depth"], "CHWN", feature_group_count=2))
        return h, conv(h, p["gates"][0]["u"], "NHWC", rhs_dilation=(2, 1))

    gates = [{"w": array(2, 4, 1, 3), "u": array(2, 4, 4, 3)} for _ in range(2)]
    params = {"gates": gates, "depth": array(3, 4, 2, 1)}
    return step, params, array(4, 3, 2, 3), array(T, 1, 3, 2, 3)


@edge_case
def heads_with_kernels_of_their_own(array, T):
    """Their derivatives are batches of products, and sums of such."""

    def step(p, h, x):
        f, g, o = (jnp.einsum("bni,nij->bnj", h, u) + x @ w for u, w in p)
        h = jax.nn.sigmoid(f) * h + jnp.tanh(g)
        return h, jax.nn.sigmoid(o) * jnp.einsum("bni,nij->bjn", h, p[0][0]).mT

    params = [(array(2, 3, 3), array(4, 3)) for _ in range(3)]
    return step, params, array(2, 2, 3), array(T, 2, 2, 4)


@edge_case
def batches_on_other_axes(array, T):
    """Products of a batch that is on another axis of each operand, and that share one of them."""

    def dot(a, b):
        return lax.dot_general(a, b, (((2,), (0,)), ((1,), (2,))))

    def step(p, h, x):
        a, b = dot(h, p["u"]), dot(h, p["v"])
        c, d = dot(x, p["u"]), dot(jnp.sin(x), p["u"])
        h = jnp.tanh(a[..., :2] + c[..., :2]).transpose(1, 0, 2)
        return h, (b, d)

    params = {"u": array(2, 4, 3), "v": array(2, 5, 3)}
    return step, params, array(2, 3, 2), array(T, 2, 3, 2)


@edge_case
def convolution_channels_last(array, T):
    def conv(a, k, **more):
        return lax.conv_general_dilated(
            a, k, (1,), "SAME", dimension_numbers=("NWC", "WIO", "NWC"), **more
        )

    def step(p, h, x):
        h = jnp.tanh(conv(x, p["w"]) + conv(h, p["u"]) + conv(h, p["depth"], feature_group_count=2))
        return h, h

    params = {"w": array(3, 1, 2), "u": array(2, 2, 2), "depth": array(3, 1, 2)}
    return step, params, array(2, 4, 2), array(T, 2, 4, 1)


@edge_case
def nested_trees(array, T):
    def step(p, carry, x):
        a, (b, rest) = carry["a"], carry["b"]
        a = jnp.tanh(a @ p["cells"][0]["u"] + x["left"][0])
        b = jnp.tanh(b @ p["cells"][1]["u"] + x["right"] + rest["c"])
        return {"a": a, "b": (b, {"c": 0.5 * rest["c"] + a, "none": None})}, [{"b": b}, (a,)]

    params = {"cells": [{"u": array(2, 2)}, {"u": array(2, 2)}]}
    init = {"a": array(2, 2), "b": (array(2, 2), {"c": array(2, 2), "none": None})}
    return step, params, init, {"left": (array(T, 2, 2),), "right": array(T, 2, 2)}


@edge_case
def mixed_precision(array, T):
    def step(p, carry, x):
        h, c = carry
        u = jnp.tanh(x @ p["w"] + h @ p["u"].astype(jnp.float32))
        c = 0.9 * c + u.astype(jnp.float64) * p["u"][0]
        return (jnp.tanh(c).astype(jnp.float32), c), (u, c)

    single = partial(jnp.asarray, dtype=jnp.float32)
    params = {"w": single(array(3, 2)), "u": array(2, 2)}
    return step, params, (single(array(2)), array(2)), single(array(T, 3))


@edge_case
def nothing_is_used(array, T):
    def step(p, carry, x):
        h, unused = carry
        h = jnp.tanh(h @ p["u"])
        return (h, unused), None

    return step, {"u": array(2, 2), "v": array(3)}, (array(2), array(2)), (array(T, 2), array(T))


@edge_case
def weights_that_travel_in_the_carry(array, T):
    def step(p, carry, x):
        h, w = carry
        h = jnp.tanh(x @ w["w"] + h @ w["u"] + spread(p, h))
        return (h, w), h

    return step, array(2), (array(2, 2), {"w": array(3, 2), "u": array(2, 2)}), array(T, 2, 3)


@edge_case
def delays(array, T):
    def step(p, carry, x):
        h, last, before_last = carry
        h = jnp.tanh(h @ p["u"] + x @ p["a"] + last @ p["b"] + before_last @ p["c"])
        return (h, x, last), (h, before_last)

    params = {"u": array(2, 2), **{k: array(3, 2) for k in "abc"}}
    return step, params, (array(2), array(3), array(3)), array(T, 3)


@edge_case
def a_delay_of_the_state(array, T):
    def step(p, carry, x):
        h, old = carry
        new = jnp.tanh(h @ p["u"] + x)
        return (new, h), new @ p["v"] + old

    return step, {"u": array(2, 2), "v": array(2, 2)}, (array(2), array(2)), array(T, 2)


@edge_case
def a_skip_of_two_steps(array, T):
    def step(p, carry, x):
        h, old = carry
        new = jnp.tanh(h @ p["u"] + old @ p["v"] + x)
        return (new, h), old

    return step, {"u": array(2, 2), "v": array(2, 2)}, (array(2), array(2)), array(T, 2)


@edge_case
def swap(array, T):
    def step(p, carry, x):
        a, b = carry
        return (b, jnp.tanh(a @ p + x)), (a, b)

    return step, array(2, 2), (array(2), array(2)), array(T, 2)


@edge_case
def permutation(array, T):
    def step(p, carry, x):
        a, b = carry
        return (b, a), a @ p + 2 * b * x

    return step, array(2, 2), (array(2), array(2)), array(T, 2)


@edge_case
def rotation_of_three(array, T):
    def step(p, carry, x):
        a, b, c = carry
        return (b, c, a), (a @ p, b * x)

    return step, array(2, 2), (array(2), array(2), array(2)), array(T, 2)


@edge_case
def running_sums(array, T):
    def step(p, carry, x):
        total, square, outer, scalar = carry
        u = jnp.tanh(x @ p)
        return (total + u, u * u + square, outer + x.T @ u, scalar + jnp.sum(u)), None

    init = array(2, 2), array(2, 2), array(3, 2), array()
    return step, array(3, 2), init, array(T, 2, 3)


@edge_case
def running_sums_of_cuts(array, T):
    """One sum serves all cuts along the other axes, not those along its own, and no strides."""

    def step(p, carry, x):
        left, right, top, striding = carry
        u = jnp.tanh(x @ p)
        left, right = left + jnp.sum(u[:, :2], 0), right + jnp.sum(u[:, 1:], 0)
        return (left, right, top + jnp.sum(u[1:], 0), striding + jnp.sum(u[:, ::2], 0)), None

    init = array(2), array(3), array(4), array(2)
    return step, array(3, 4), init, array(T, 2, 3)


@edge_case
def sums_through_linear_operations(array, T):
    def step(p, carry, x):
        h, total, other = carry
        h = jnp.tanh(h @ p["u"] + x @ p["w"])
        pair = jnp.concatenate([h, -x], -1)[..., 1:4] * spread(p["scale"], x)
        total = total + jnp.sum(pair.T.reshape(3, 2), 1) - 0.5
        return (h, total, other + jnp.einsum("bi,bj->ij", h @ p["u"], 2 * x)), h

    params = {"u": array(2, 2), "w": array(3, 2), "scale": array(3)}
    return step, params, (array(2, 2), array(3), array(2, 3)), array(T, 2, 3)


@edge_case
def a_sum_that_is_read(array, T):
    def step(p, carry, x):
        total, h, double = carry
        h = jnp.tanh(h @ p + total)
        return (total + x, h, double + total), (total, h)

    return step, array(2, 2), (array(2), array(2), array(2)), array(T, 2)


@edge_case
def a_sum_of_what_never_changes(array, T):
    def step(p, carry, x):
        total, fixed, count = carry
        return (total + fixed * p, fixed, count + 3), x

    return step, array(2), (array(2), array(2), jnp.int32(1)), array(T, 2)


@edge_case
def stack_in_one_step(array, T):
    def step(p, carry, x):
        new = []
        for layer, h in zip(p, carry, strict=True):
            x = jnp.tanh(dense(layer, x, h))
            new.append(x)
        return tuple(new), x

    params = [gate(array, 3, 2), gate(array, 2, 3), gate(array, 3, 2)]
    return step, params, (array(2, 2), array(2, 3), array(2, 2)), array(T, 2, 3)


@edge_case
def upper_layer_listed_first(array, T):
    def step(p, carry, x):
        top, bottom = carry
        bottom = jnp.tanh(dense(p[0], x, bottom))
        top = jnp.tanh(dense(p[1], bottom, top))
        return (top, bottom), {"both": jnp.concatenate([top, bottom], -1)}

    return step, [gate(array, 3, 2), gate(array, 2, 2)], (array(2, 2), array(2, 2)), array(T, 2, 3)


@edge_case
def readout_and_softmax(array, T):
    def step(p, h, x):
        h = jnp.tanh(dense(p["cell"], x, h))
        return h, jax.nn.log_softmax(h @ p["out"] + spread(p["bias"], jnp.zeros((2, 4))))

    params = {"cell": gate(array), "out": array(2, 4), "bias": array(4)}
    return step, params, array(2, 2), array(T, 2, 3)


@edge_case
def fast_weights(array, T):
    def step(p, s, x):
        q, k, v = (x @ p[name] for name in "qkv")
        s = 0.9 * s + (v - k @ s)[None, :] * k[:, None]
        return s, q @ s

    return step, {name: array(3, 2) for name in "qkv"}, array(2, 2), array(T, 3)


@edge_case
def embedding(array, T):
    def step(p, h, token):
        h = jnp.tanh(p["table"][token] + h @ p["u"])
        return h, (h @ p["table"].T, token)

    params = {"table": array(5, 2), "u": array(2, 2)}
    tokens = jnp.asarray(np.arange(2 * T).reshape(T, 2) * 7 % 5)
    return step, params, array(2, 2), tokens


@edge_case
def step_counter(array, T):
    def step(p, carry, x):
        h, t = carry
        h = jnp.tanh(h @ p + x * jnp.cos(t.astype(h.dtype)))
        return (h, t + 1), (t, h)

    return step, array(2, 2), (array(2), jnp.int64(3)), array(T, 2)


@edge_case
def boolean_flags(array, T):
    def step(p, carry, x):
        h, done, seen = carry
        new = jnp.tanh(h @ p + x)
        done = done | (jnp.sum(x) > 1.0123)
        return (jnp.where(done, h, new), done, ~seen), (done, seen)

    return step, array(2, 2), (array(2), jnp.array(False), jnp.array(True)), array(T, 2)


@edge_case
def outputs_that_are_not_computed(array, T):
    def step(p, h, x):
        new = jnp.tanh(h @ p + x)
        return new, {
            "old": h,
            "new": new,
            "again": new,
            "x": x,
            "none": None,
            "p": p,
            "one": jnp.ones(()),
        }

    return step, array(2, 2), array(2), array(T, 2)


@edge_case
def kinks_at_exactly_zero(array, T):
    def step(p, carry, x):
        h, c = carry
        h = jax.nn.relu(h @ p["u"] + x * p["s"])
        c = jnp.maximum(c, 0.0) + jax.nn.relu(c) + jnp.abs(h) + jax.nn.leaky_relu(c)
        return (h, 0.1 * c), (jax.nn.relu6(h), jax.nn.silu(c), jax.nn.elu(c))

    return step, {"u": array(2, 2), "s": array(2)}, (jnp.zeros(2), jnp.zeros(2)), jnp.zeros((T, 2))


@edge_case
def custom_jvp_of_our_own(array, T):
    @jax.custom_jvp
    def straight_through(v):
        return jnp.where(v > 0.0321, 1.0, 0.0)

    straight_through.defjvps(lambda t, _, v: t * jnp.exp(-v * v))

    def step(p, h, x):
        v = 0.5 * h + x @ p["w"]
        spikes = straight_through(v)
        return v - spikes, spikes @ p["out"]

    return step, {"w": array(3, 2), "out": array(2, 2)}, array(2), array(T, 3)


@edge_case
def custom_jvp_whose_rule_closes_over_an_array(array, T):
    widths = array(2)

    @jax.custom_jvp
    def step_like(v):
        return jnp.floor(v)

    step_like.defjvps(lambda t, _, v: t * jnp.exp(-((v * spread(widths, v)) ** 2)))

    def step(p, h, x):
        h = 0.5 * h @ p["u"] + step_like(x @ p["w"] + h)
        return h, step_like(h)

    return step, {"w": array(3, 2), "u": array(2, 2)}, array(2, 2), array(T, 2, 3)


@edge_case
def masks(array, T):
    def step(p, h, x):
        x, keep = x
        new = jnp.tanh(dense(p, x, h))
        h = jnp.where(keep[:, None], new, h)
        return h, jnp.where(keep[:, None], new, 0.0)

    keep = jnp.asarray(np.arange(T)[:, None] < np.array([1, max(T - 1, 1)])[None, :])
    return step, gate(array), array(2, 2), (array(T, 2, 3), keep)


@edge_case
def ensemble(array, T):
    def step(p, h, x):
        r = jax.nn.sigmoid(
            jnp.einsum("bi,eio->ebo", x, p["w"]) + jnp.einsum("ebi,eio->ebo", h, p["u"])
        )
        h = jnp.tanh(jnp.einsum("ebi,eio->ebo", r * h, p["v"]))
        return h, jnp.mean(h, 0)

    params = {"w": array(3, 3, 2), "u": array(3, 2, 2), "v": array(3, 2, 2)}
    return step, params, array(3, 2, 2), array(T, 2, 3)


@edge_case
def matvec(array, T):
    def step(p, h, x):
        gates = p["w"] @ x + p["u"] @ h + p["b"]
        z, n = jnp.split(gates, 2)
        h = jax.nn.sigmoid(z) * h + jnp.tanh(n)
        return h, p["out"] @ h

    params = {"w": array(4, 3), "u": array(4, 2), "b": array(4), "out": array(3, 2)}
    return step, params, array(2), array(T, 3)


@edge_case
def kernels_at_the_left(array, T):
    """Features first, rows last; one kernel, and a batch of them."""

    def step(p, carry, x):
        h, c = carry
        c = jnp.tanh(p["heads"] @ c + h[None])
        h = jnp.tanh(p["u"] @ h + p["w"] @ x + c[0] * c[1])
        return (h, c), c

    params = {"u": array(3, 3), "w": array(3, 4), "heads": array(2, 3, 3)}
    return step, params, (array(3, 2), array(2, 3, 2)), array(T, 4, 2)


@edge_case
def factors_of_one_cotangent(array, T):
    """Numbers, arrays, and what changes its sign, times the same carry."""

    def step(p, carry, x):
        h, c = carry
        h = 2.0 * h + jnp.tanh(x) * h - jnp.sin(c) * h - 3.0 * h - (-(p * h)) + 0.5 * (c * c)
        c = jnp.tanh(c * jnp.cos(h) - c * x + c * jnp.sin(h))
        return (jnp.sin(h), c), jnp.sin(h) * jnp.tanh(c) - jnp.cos(h) * jnp.tanh(c)

    return step, array(2, 3), (array(2, 3), array(2, 3)), array(T, 2, 3)


@edge_case
def turned_tensors(array, T):
    """Products turned round, but not of two matrices: all axes left of one side, or a batch."""

    def dot(a, b, axes, batch):
        return lax.dot_general(a, b, ((axes[:1], axes[1:]), (batch, batch)))

    def step(p, h, x):
        a = (p["tensor"] @ h[0]).T
        b = dot(x, p["other"], (0, 0), ()).T
        c = dot(h, p["rows"], (1, 1), (0,)).T @ a
        d = dot(p["rows"], h, (1, 1), (0,)).T @ b
        return jnp.tanh(a + b), c - d

    params = {"tensor": array(3, 2, 3), "other": array(4, 3, 2), "rows": array(2, 3, 4)}
    return step, params, array(2, 3), array(T, 4)


@edge_case
def one_kernel_for_several(array, T):
    """Products that share their right side: their rows can be joined, not their columns."""

    def step(p, carry, x):
        h, c = carry
        h, c = jnp.tanh(h @ p["u"] + x @ p["w"]), jnp.sin(c @ p["u"] - (2 * x) @ p["w"])
        return (h, c), h - c[:2]

    params = {"u": array(3, 3), "w": array(4, 3)}
    return step, params, (array(2, 3), array(4, 3)), (array(T, 1, 4))


@edge_case
def kernels_cut_at_different_heights(array, T):
    """Kernels for ``[x, h]``, put together from parts: those of one gate from other parts."""

    def step(p, h, x):
        z = jnp.concatenate([x, h], 1)
        f = jax.nn.sigmoid(z @ jnp.concatenate([p["a"], p["b"]]))
        n = jnp.tanh(z @ jnp.concatenate([p["c"], p["d"]]))
        o = jnp.tanh(h @ jnp.concatenate([p["a"], p["a"][:1]]))
        h = f * h + (1 - f) * n
        return h, h * o

    params = {"a": array(2, 3), "b": array(4, 3), "c": array(3, 3), "d": array(3, 3)}
    return step, params, array(2, 3), array(T, 2, 3)


@edge_case
def matvec_per_gate(array, T):
    def step(p, h, x):
        z = jax.nn.sigmoid(p["wz"] @ x + p["uz"] @ h)
        n = jnp.tanh(p["wn"] @ x + p["un"] @ (z * h))
        return h + z * (n - h), h

    params = {"wz": array(2, 3), "uz": array(2, 2), "wn": array(2, 3), "un": array(2, 2)}
    return step, params, array(2), array(T, 3)


@edge_case
def two_batch_axes(array, T):
    step, params, _, _ = gru_reset_before(array, T)
    return step, params, array(2, 3, 2), array(T, 2, 3, 3)


@edge_case
def empty_batch(array, T):
    step, params, _, _ = lstm_with_a_product_per_gate(array, T)
    return step, params, (array(0, 2), array(0, 2)), array(T, 0, 3)


@edge_case
def one_matrix_in_many_places(array, T):
    def step(w, h, x):
        h = jnp.tanh(h @ w + x @ w.T + (w @ h.T).T + spread(w @ h[0] + h[:, 0] @ w, h))
        return h, (w @ h.T).T

    return step, array(2, 2), array(2, 2), array(T, 2, 2)


@edge_case
def products_of_states(array, T):
    def step(p, carry, x):
        a, b = carry
        scores = jax.nn.softmax(a @ b.T + x @ a.T)
        a = jnp.tanh(scores @ b + x + a @ p)
        b = jnp.tanh(scores.T @ a + 0.5 * (b @ a.T) @ b)
        return (a, b), scores

    return step, array(3, 3), (array(2, 3), array(2, 3)), array(T, 2, 3)


@edge_case
def layer_norm_and_sort(array, T):
    def step(p, h, x):
        u = h @ p["u"] + x
        u = (u - jnp.mean(u, -1, keepdims=True)) / jnp.sqrt(jnp.var(u, -1, keepdims=True) + 0.1)
        h = jnp.tanh(jnp.cumsum(u, -1) + jnp.sort(h, -1) * spread(p["s"], h))
        return h, (jnp.argmax(h, -1), lax.top_k(h, 2)[0])

    return step, {"u": array(3, 3), "s": array(3)}, array(2, 3), array(T, 2, 3)


@edge_case
def ring_buffer(array, T):
    def step(p, carry, x):
        buffer, t = carry
        oldest = lax.dynamic_index_in_dim(buffer, t % 3, keepdims=False)
        new = jnp.tanh(x + oldest @ p)
        buffer = lax.dynamic_update_index_in_dim(buffer, new, t % 3, 0)
        return (buffer, t + 1), buffer.at[0].add(x).sum(0)

    return step, array(2, 2), (array(3, 2), jnp.int32(0)), array(T, 2)


@edge_case
def no_carry(array, T):
    def step(p, carry, x):
        return carry, jnp.tanh(x @ p)

    return step, array(3, 2), (), array(T, 2, 3)


@edge_case
def no_input(array, T):
    def step(p, h, _):
        h = jnp.tanh(h @ p)
        return h, h

    return step, array(2, 2), array(2), None


@edge_case
def one_value_for_two_components(array, T):
    def step(p, carry, x):
        h, copy, zero = carry
        new = jnp.tanh(h @ p + x + zero)
        return (new, new, jnp.zeros_like(zero)), copy

    return step, array(2, 2), (array(2), array(2), array(2)), array(T, 2)


@edge_case
def rematerialized_and_jitted(array, T):
    step, params, init, xs = gru_reset_before(array, T)
    return jax.checkpoint(jax.jit(step)), params, init, xs


@edge_case
def zeros_of_both_signs(array, T):
    def step(p, h, x):
        up, down = jnp.copysign(h, 0.0), jnp.copysign(h, -0.0)
        h = 0.5 * h + x @ p
        return h, (up, down)

    return step, array(2, 2), array(2), array(T, 2)


@edge_case
def scalars_only(array, T):
    def step(p, carry, x):
        level, trend = carry
        new = p["a"] * x + (1 - p["a"]) * (level + trend)
        return (new, p["b"] * (new - level) + (1 - p["b"]) * trend), level + trend

    return step, {"a": array(), "b": array()}, (array(), array()), array(T)


@edge_case
def a_loss_summed_in_the_carry(array, T):
    def step(p, carry, x):
        h, loss = carry
        x, y = x
        h = jnp.tanh(dense(p, x, h))
        return (h, loss + jnp.sum((h - y) ** 2)), None

    return step, gate(array), (array(2, 2), array()), (array(T, 2, 3), array(T, 2, 2))
