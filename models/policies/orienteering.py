"""The learned method for orienteering: a transformer that was taught good walks builds one place by place.

Drakulic et al. 2023 (see `networks.bq`). It is shown the walk that is left in units of the length that is left, so a
network that was taught one size takes others. Needs places by whose coordinates distances are measured.
"""

from counterpoint.models.networks.bq import Bq, Form
from counterpoint.models.networks.bq import Options as NetworkOptions
from counterpoint.simulators.batched.bq_orienteering import FEATURES

NETWORK = "bq-orienteering"


def build(options: NetworkOptions) -> Bq:
    """Return the network."""
    return Bq(options, Form(FEATURES))
