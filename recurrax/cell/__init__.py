"""What every cell is made with: the base class, parameters, options, operators and checks."""
