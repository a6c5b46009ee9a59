"""The control plane: states what should run and makes it so."""
