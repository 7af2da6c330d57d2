"""From a run to what generates with it."""

from __future__ import annotations

from charrnn.errors import RunError
from charrnn.generation.network import Network
from charrnn.plugins import plugins
from charrnn.runs.run import Run
from charrnn.runs.size import check_size
from charrnn.settings import OpeningSettings


def open_network(run: Run, asked: OpeningSettings) -> Network:
    """Load a run's best weights.

    Into NumPy where the cell has a NumPy form, a processor is meant and the weights stay as they are; else into torch.

    Raises:
        RunError: the weights do not fit the config.
        UsageError: there is no such device.
    """
    settings = run.config.settings
    entry = plugins().cells[settings.cell or ""]
    if asked.device == "cpu" and entry.numpy is not None and not asked.dynamic:
        from charrnn.generation.numpy_network import NumpyNetwork

        check_size(run, run.best_shapes())
        weights = run.best_arrays()
        try:
            return NumpyNetwork(settings, run.config.tokenizer.vocab_size, weights)
        except RunError as error:
            raise RunError(f"run '{run.name}' is damaged: {error}") from None
    from charrnn.device import choose_device
    from charrnn.generation.torch_network import TorchNetwork
    from charrnn.runs.model import load_model

    model = load_model(run, learns=asked.dynamic).to(choose_device(asked.device))
    if asked.dynamic:
        from charrnn.generation.dynamic_network import DynamicNetwork

        return DynamicNetwork(model, asked)
    return TorchNetwork(model)
