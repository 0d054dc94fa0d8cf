"""Mixed-integer models, as arrays for HiGHS and written in Pyomo."""
