"""``explain``: what the compiler made of a step, for people and for tests."""

from recurrax.explain.explain import explain as explain
