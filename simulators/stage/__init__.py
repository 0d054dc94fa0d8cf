"""The problem of one stage: what is decided once the noise is known, as arrays; and the solvers that solve it."""
