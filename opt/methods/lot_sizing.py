"""The methods for lot-sizing: one entry each; the mixed-integer ones stand in `lot_sizing_mip`."""

from counterpoint.opt.methods.lot_sizing_mip import MIP
from counterpoint.opt.registry import Method

SINGLE_ITEM: tuple[Method, ...] = ()
METHODS = (*SINGLE_ITEM, *MIP)
