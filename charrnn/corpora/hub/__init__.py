"""Datasets from the Hugging Face hub, loaded by ``datasets``."""

from charrnn.corpora.hub.address import parse_address
from charrnn.corpora.hub.dataset import Hub
from charrnn.corpora.hub.describe import Description, describe

__all__ = ["Description", "Hub", "describe", "parse_address"]
