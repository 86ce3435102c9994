"""What the linen and the nnx layers share: Flax's arguments as a run over time. Imports no Flax."""
