"""recurrax against its peers: time, memory and first call. Run with ``python -m benchmarks``."""
