"""Policies and plans from relaxations whose coupling is priced."""
