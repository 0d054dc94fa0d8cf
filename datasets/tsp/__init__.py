"""Public travelling salesman instances."""
