"""File formats of job shops: one file each."""
