"""Plugins to start from: ``charrnn plugins new``."""

from charrnn.scaffold.scaffold import KINDS as KINDS
from charrnn.scaffold.scaffold import scaffold as scaffold
