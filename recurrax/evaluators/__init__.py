"""One truth, several ways to run it: every evaluator equals the reference."""
