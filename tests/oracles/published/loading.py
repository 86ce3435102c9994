"""Loads a module of a checkout, with stand-ins for what it imports but does not need."""

import importlib
import sys
from types import ModuleType
from unittest import mock


def load(folder, name, stand_ins=None):
    """The module `name` of a checkout, without running the packages that it is within.

    `stand_ins` are modules, by name, for the time of the import.
    """
    *parents, _ = name.split(".")
    packages = {}
    for depth in range(1, len(parents) + 1):
        package = ".".join(parents[:depth])
        packages[package] = ModuleType(package)
        packages[package].__path__ = [str(folder.joinpath(*parents[:depth]))]
    temporary = packages | (stand_ins or {})
    sys.modules.update(temporary)
    with mock.patch.object(sys, "path", [str(folder), *sys.path]):
        module = importlib.import_module(name)
    for key, loaded in list(sys.modules.items()):  # two projects have a module named `network`
        if key in temporary or str(folder) in str(getattr(loaded, "__file__", "")):
            del sys.modules[key]
    return module


def anything(*names):
    """Stand-ins that have every attribute and can be called."""
    return {name: mock.MagicMock() for name in names}


CUPY = anything("cupy", "cupy.cuda", "pynvrtc", "pynvrtc.compiler")


class Layer:
    """In the place of a Keras layer."""

    dtype = "float64"

    def __init__(self, *args, **kwargs):
        pass

    def build(self, shape):
        pass

    def add_weight(self, **kwargs):
        """The weight is set afterwards."""
