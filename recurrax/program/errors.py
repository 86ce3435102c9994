"""The one failure of the compiler."""


class Unsupported(Exception):
    """A step that only ``jax.lax.scan`` can run; the message is the reason, a clause."""

    @property
    def reason(self) -> str:
        return str(self)
