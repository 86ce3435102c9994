"""The oracles of `numpy_memory_and_clocks` under the names that the cells of recurrax use."""

import numpy as np

from . import numpy_memory_and_clocks as oracles


def lmu(params, carry, xs, **options):
    """W.u, U.u, V.u are the encoders e_x, e_h, e_m."""
    encoders = {"x": params["W"]["u"], "h": params["U"]["u"], "m": params["V"]["u"]}
    return oracles.lmu(params | {"e": encoders}, carry, xs, **options)


def clockwork(params, carry, xs, *, periods, **options):
    """Every module has a counter of its own, modulo its period; U is a masked kernel."""
    units = carry["h"].shape[-1] // len(periods)
    params = params | {"U": {"h": params["U"]["h"]["kernel"]}}
    t = np.repeat(carry["t"], units, axis=-1)
    carry, ys = oracles.clockwork(params, carry | {"t": t}, xs, periods=periods, **options)
    t = carry["t"][:, ::units]
    return carry | {"t": t - periods * np.floor(t.real / periods)}, ys


def phased_lstm(params, carry, xs, **options):
    """The last feature of x is the time stamp."""
    return oracles.phased_lstm(params, carry, (xs[..., :-1], xs[..., -1:]), **options)


MEMORY_AND_CLOCKS = {
    "mi_rnn": oracles.mi_rnn,
    "mi_lstm": oracles.mi_lstm,
    "mi_gru": oracles.mi_gru,
    "exp_rnn": oracles.exp_rnn,
    "lmu": lmu,
    "clockwork": clockwork,
    "phased_lstm": phased_lstm,
}
