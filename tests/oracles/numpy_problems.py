"""A random problem for every oracle that no published vector covers: shapes and options."""

from typing import NamedTuple

import numpy as np

TIME, BATCH, INPUTS, HIDDEN = 4, 2, 3, 6  # all different, so that no axis is mistaken
MASK = ((1, 0, 1), (1, 1, 0), (0, 0, 1))
SPACE = (4, 5)


class Problem(NamedTuple):
    """The options of an oracle, and the shapes of its parameters, carry and inputs."""

    cell: str  # the key in `numpy_cells.ORACLES`
    params: dict
    carry: dict  # without the axis of the batch
    inputs: tuple = (INPUTS,)  # without the axes of time and batch
    options: dict = {}  # noqa: RUF012


def shapes(inputs=INPUTS, U_shape=(HIDDEN, HIDDEN), **kinds):
    """`shapes(W="i f")`: the shape of every gate of every kind."""
    kind_shapes = {"W": (inputs, HIDDEN), "U": U_shape}
    return {
        kind: {gate: kind_shapes.get(kind, (HIDDEN,)) for gate in gates.split()}
        for kind, gates in kinds.items()
    }


def simple(cell, fields="h", inputs=INPUTS, U_shape=(HIDDEN, HIDDEN), options=None, **kinds):
    carry = dict.fromkeys(fields, (HIDDEN,))
    params = shapes(inputs, U_shape, **kinds)
    return Problem(cell, params, carry, (inputs,), options or {})


def draw(rng, problem, batch=BATCH):
    """Parameters, a carry and a sequence; none of the numbers is zero."""

    def random(shape):
        if isinstance(shape, dict):
            return {key: random(branch) for key, branch in shape.items()}
        if all(isinstance(length, int) for length in shape):
            return np.asarray(rng.normal(size=shape))
        return tuple(random(branch) for branch in shape)

    def with_batch(shape):
        if isinstance(shape, dict):
            return {key: with_batch(branch) for key, branch in shape.items()}
        if all(isinstance(length, int) for length in shape):
            return (batch, *shape)
        return tuple(with_batch(branch) for branch in shape)

    params, carry = random(problem.params), random(with_batch(problem.carry))
    return params, carry, rng.normal(size=(TIME, batch, *problem.inputs))


SQUARE = (HIDDEN, HIDDEN)
OPERATORS = {
    "diagonal": {"diagonal": (HIDDEN,)},
    "block": {"blocks": (3, 2, 2)},
    "low_rank": {"left": (HIDDEN, 2), "right": (2, HIDDEN)},
    "masked": {"kernel": SQUARE},
}


def with_operator(cell, kind, gates, biases, fields="h", options=None):
    options = (options or {}) | {"recurrent": kind} | ({"mask": MASK} if kind == "masked" else {})
    params = {"U_shape": OPERATORS[kind], "W": gates, "U": gates, "b": biases}
    return simple(cell, fields, options=options, **params)


def convolutional(cell, fields, gates, biases, after, kernel=(3, 2), space=SPACE, **options):
    """`after` is the shape of the space after the strides and the padding of the input."""
    params = {
        "W": dict.fromkeys(gates, (*kernel, 2, 3)),
        "U": dict.fromkeys(gates, (*kernel, 3, 3)),
        "b": dict.fromkeys(biases.split(), (3,)),
    }
    return Problem(cell, params, dict.fromkeys(fields, (*after, 3)), (*space, 2), options)


def quasi(window, **options):
    gates = {"f": "zf", "fo": "zfo", "ifo": "zfoi"}[options["pooling"]]
    params = {"W": tuple(dict.fromkeys(gates, (INPUTS, HIDDEN)) for _ in range(window))}
    params["b"] = dict.fromkeys(gates, (HIDDEN,))
    pending = tuple(dict.fromkeys(gates, (HIDDEN,)) for _ in range(window - 1))
    return Problem("qrnn", params, {"c": (HIDDEN,), "pending": pending}, options=options)


def highway(depth):
    layers = tuple({"h": SQUARE, "t": SQUARE} for _ in range(depth))
    biases = tuple({"h": (HIDDEN,), "t": (HIDDEN,)} for _ in range(depth))
    return Problem("rhn", shapes(W="h t") | {"U": layers, "b": biases}, {"h": (HIDDEN,)})


ALL_NAS = "a0 a1 a2 a3 a4 a5 a6 a7"
FGR_GATES = dict.fromkeys("ifo", SQUARE)
FGR = shapes(W="i f g o", U="i f g o", b="i f g o", P="i f o") | {
    "R_i": FGR_GATES,
    "R_f": FGR_GATES,
    "R_o": FGR_GATES,
}
LRU = {
    "nu": (5,),
    "theta": (5,),
    "gamma_log": (5,),
    "B": {"re": (HIDDEN, 5), "im": (HIDDEN, 5)},
    "C": {"re": (5, HIDDEN), "im": (5, HIDDEN)},
    "D": {"d": (HIDDEN,)},
}
RG_LRU = {
    "W": {"r": {"blocks": (3, 2, 2)}, "i": {"blocks": (3, 2, 2)}},
    "b": {"r": (HIDDEN,), "i": (HIDDEN,)},
    "Lambda": (HIDDEN,),
}
JORDAN = {
    "W": {"h": (INPUTS, HIDDEN)},
    "U": {"h": (5, HIDDEN)},
    "V": {"y": (HIDDEN, 5)},
    "b": {"h": (HIDDEN,), "y": (5,)},
}
SCRN = {
    "B": {"s": (INPUTS, 5)},
    "P": {"h": (5, HIDDEN)},
    "W": {"h": (INPUTS, HIDDEN)},
    "U": {"h": SQUARE},
}
MULTIPLICATIVE = {"W": "i f g o m", "U": "i f g o m", "b": "i f g o"}
DIAGONAL = {"U_shape": {"diagonal": (HIDDEN,)}, "W": "a c h", "U": "a c", "b": "a c"}

PROBLEMS = {
    "leaky": simple("elman", W="h", U="h", b="h", options={"leak": 0.3}),
    "no_input_gate": simple("lstm", "hc", W="f g o", U="f g o", b="f g o", options={"gates": "fo"}),
    "no_forget_gate": simple(
        "lstm", "hc", W="i g o", U="i g o", b="i g o", options={"gates": "io"}
    ),
    "no_output_gate": simple(
        "lstm", "hc", W="i f g", U="i f g", b="i f g", options={"gates": "if"}
    ),
    **{f"elman_{kind}": with_operator("elman", kind, "h", "h") for kind in OPERATORS},
    **{f"lstm_{k}": with_operator("lstm", k, "i f g o", "i f g o", "hc") for k in OPERATORS},
    **{f"gru_{kind}": with_operator("gru", kind, "r z n", "r z n hn") for kind in OPERATORS},
    "gru_before_low_rank": with_operator(
        "gru", "low_rank", "r z n", "r z n", options={"reset": "before"}
    ),
    **{
        f"fast_grnn_{kind}": problem._replace(params=problem.params | {"zeta": (), "nu": ()})
        for kind in OPERATORS
        for problem in [with_operator("fast_grnn", kind, "s", "z n")]
    },
    "fgr_lstm": Problem("fgr_lstm", FGR, dict.fromkeys("hcifo", (HIDDEN,))),
    "ind_rnn": simple("ind_rnn", W="h", u="h", b="h"),
    "ind_rnn_tanh": simple("ind_rnn", W="h", u="h", b="h", options={"activation": "tanh"}),
    "min_gru": simple("min_gru", W="z h", b="z h"),
    "min_gru_positive": simple("min_gru", W="z h", b="z h", options={"candidate": "positive"}),
    "min_lstm": simple("min_lstm", W="f i h", b="f i h"),
    "min_lstm_positive": simple(
        "min_lstm", W="f i h", b="f i h", options={"candidate": "positive"}
    ),
    "lru": Problem("lru", LRU, {"re": (5,), "im": (5,)}, (HIDDEN,)),
    "rg_lru": Problem("rg_lru", RG_LRU, {"h": (HIDDEN,), "started": (1,)}, (HIDDEN,)),
    "ugrnn": simple("ugrnn", W="c g", U="c g", b="c g"),
    "janet": simple("janet", "c", W="f c", U="f c", b="f c"),
    "janet_beta": simple("janet", "c", W="f c", U="f c", b="f c", options={"beta": 0.4}),
    "sru": simple("sru", "c", W="c f r x", b="f r"),
    "sru_same_width": simple("sru", "c", inputs=HIDDEN, W="c f r", b="f r"),
    "sru_version_2": simple(
        "sru",
        "c",
        W="c f r x",
        b="f r",
        v="f r",
        options={"version": 2, "output_fn": "tanh", "highway_scale": 1.7},
    ),
    **{f"qrnn_{pooling}": quasi(3, pooling=pooling) for pooling in ("f", "fo", "ifo")},
    "slstm": simple(
        "slstm", "hcnm", U_shape={"blocks": (3, 2, 2)}, W="i f z o", U="i f z o", b="i f z o"
    ),
    "ran": simple("ran", "hc", W="c i f", U="i f", b="i f"),
    "ran_linear": simple(
        "ran", "hc", W="c i f", U="i f", b="i f", options={"output_fn": "identity"}
    ),
    "li_gru": simple("li_gru", W="z n", U="z n", b="z n"),
    "fast_rnn": Problem(
        "fast_rnn", shapes(W="h", U="h", b="h") | {"alpha": (), "beta": ()}, {"h": (HIDDEN,)}
    ),
    "fast_grnn": Problem(
        "fast_grnn", shapes(W="s", U="s", b="z n") | {"zeta": (), "nu": ()}, {"h": (HIDDEN,)}
    ),
    "co_rnn": simple(
        "co_rnn", "yz", W="z", U="y z", b="z", options={"dt": 0.2, "gamma": 1.7, "epsilon": 0.9}
    ),
    "lem": simple("lem", "yz", W="tz ty z y", U="tz ty z y", b="tz ty z y", options={"dt": 0.7}),
    "antisymmetric": simple("antisymmetric", W="h", U="h", b="h", options={"gamma": 0.3}),
    "antisymmetric_gated": simple(
        "antisymmetric", W="h z", U="h", b="h z", options={"gated": True, "epsilon": 0.4}
    ),
    "brc": simple("brc", **DIAGONAL),
    "brc_neuromodulated": simple(
        "brc", W="a c h", U="a c", b="a c", options={"neuromodulated": True}
    ),
    "mut_1": simple("mut", inputs=HIDDEN, W="z r", U="r n", b="z r n", options={"variant": 1}),
    "mut_2": simple("mut", inputs=HIDDEN, W="z n", U="z r n", b="z r n", options={"variant": 2}),
    "mut_3": simple("mut", W="z r n", U="z r n", b="z r n", options={"variant": 3}),
    "multiplicative_lstm": simple("multiplicative_lstm", "hc", **MULTIPLICATIVE),
    "multiplicative_lstm_common": simple(
        "multiplicative_lstm", "hc", **MULTIPLICATIVE, options={"form": "lstm"}
    ),
    "conv_lstm": convolutional("conv_lstm", "hc", "ifgo", "i f g o", SPACE),
    "conv_lstm_strided": convolutional(
        "conv_lstm", "hc", "ifgo", "i f g o", (1, 4), strides=(2, 1), padding="VALID"
    ),
    "conv_lstm_line": convolutional(
        "conv_lstm", "hc", "ifgo", "i f g o", (5,), kernel=(2,), space=(5,), dilation=3
    ),
    "conv_gru": convolutional("conv_gru", "h", "rzn", "r z n hn", (2, 3), strides=2),
    "conv_gru_before": convolutional(
        "conv_gru", "h", "rzn", "r z n", SPACE, dilation=(1, 2), reset="before"
    ),
    "conv_gru_volume": convolutional(
        "conv_gru", "h", "rzn", "r z n hn", (2, 1, 3), kernel=(2, 1, 2), space=(2, 1, 3)
    ),
    "star": simple("star", W="k z", U="k", b="k z"),
    "cfn": simple("cfn", W="f i c", U="f i", b="f i"),
    "atr": simple("atr", W="p", U="q"),
    "light_ru": simple("light_ru", W="f c", U="f", b="f c"),
    "minimal_rnn": simple("minimal_rnn", W="z", U="h z", b="z u"),
    "nas": simple("nas", "hc", W=ALL_NAS, U=ALL_NAS, b=ALL_NAS),
    "intersection": simple(
        "intersection", inputs=HIDDEN, W="y h gy gh", U="y h gy gh", b="y h gy gh"
    ),
    "jordan": Problem("jordan", JORDAN, {"y": (5,)}),
    "jordan_sigmoid": Problem(
        "jordan", JORDAN, {"y": (5,)}, options={"activation": "relu", "readout_fn": "sigmoid"}
    ),
    "unicornn": simple(
        "unicornn", "yz", W="h", u="h", b="h", c="h", options={"dt": 0.4, "alpha": 1.3}
    ),
    "scrn": Problem("scrn", SCRN, {"h": (HIDDEN,), "s": (5,)}, options={"alpha": 0.8}),
    "rhn": highway(3),
}
