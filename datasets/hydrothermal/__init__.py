"""Hydrothermal systems: folders of HydroPowerModels.jl and of msppy, and the public ones."""
