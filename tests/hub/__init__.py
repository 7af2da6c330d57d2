"""A stand-in for the Hugging Face hub, on loopback: enough for the unmodified client, and for what can go wrong."""

from tests.hub.repository import Repository
from tests.hub.server import StandInHub

__all__ = ["Repository", "StandInHub"]
