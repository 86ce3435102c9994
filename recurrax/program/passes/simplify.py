"""The clean-up that runs after every pass that leaves something to clean up."""

from recurrax.program.ir import Body
from recurrax.program.passes.common import merge_common
from recurrax.program.passes.copies import remove_copies
from recurrax.program.passes.dead_code import remove_dead_code
from recurrax.program.passes.transposes import fold_transposes


def simplify(body: Body) -> Body:
    """Dead code, copies and repeated operations go; transposes of products are folded."""
    body = merge_common(remove_copies(remove_dead_code(body)))
    return remove_dead_code(fold_transposes(body))
