"""Figures as PNG files. They are drawn without a screen."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import ArrayLike

mpl.use("Agg")

from matplotlib import pyplot as plt  # noqa: E402  (the backend must be chosen before)
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
