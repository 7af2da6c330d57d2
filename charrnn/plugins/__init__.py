"""Finds, loads and isolates plugins, and asks each for what it registers."""

from charrnn.plugins.manager import PluginProblem as PluginProblem
from charrnn.plugins.manager import Plugins as Plugins
from charrnn.plugins.manager import PluginWarning as PluginWarning
from charrnn.plugins.manager import add_plugin as add_plugin
from charrnn.plugins.manager import plugins as plugins
