"""The tables of methods: one file per family."""
