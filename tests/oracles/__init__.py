"""Independent oracles: NumPy cells by another hand, and vectors of published implementations."""
