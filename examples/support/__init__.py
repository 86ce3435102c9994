"""What the example programs share: data, model, training, checkpoints, plots and tables."""
