"""Sample data: a real image with its labels, or a phantom of the kind where there is no net."""
