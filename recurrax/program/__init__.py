"""What a step function is, once understood: a small intermediate representation."""
