"""Parameters of cells in the forms of texts and other libraries, and back."""

from recurrax.interop.concatenated import (
    from_concatenated as from_concatenated,
    to_concatenated as to_concatenated,
)
