"""Embedding, a stack of cells, an output layer, and what regularises them."""

from charrnn.model.language_model import LanguageModel, ModelState, detach, map_state
from charrnn.model.shapes import model_shapes

__all__ = ["LanguageModel", "ModelState", "detach", "map_state", "model_shapes"]
