"""File formats and public instances of lot-sizing."""
