"""Instance generators: one file per family."""
