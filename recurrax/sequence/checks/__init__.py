"""The entrance checks of a run over time, one subject per file.

Each takes the names that the caller uses, and raises ``TypeError`` or ``ValueError`` that says what
was called, what was expected, what came, and what to do.
"""
