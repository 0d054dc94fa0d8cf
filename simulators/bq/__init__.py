"""Constructing solutions step by step, in the quotient of equal tails: the state is the instance that is left."""
