"""Shows what ``charrnn --help`` costs: beside importing the libraries that it is made with, and with twenty plugins.

``make proof-help`` runs it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROUNDS = 40
PLUGINS = 20
NAMES = ",".join(f"cell-{number}" for number in range(PLUGINS))


def seconds(*arguments: str, path: str = "") -> float:
    """Time one process, with ``path`` as a further place where plugins are installed; those elsewhere are left out."""
    environment = {**os.environ, "PYTHONPATH": path, "CHARRNN_LOAD_PLUGINS": NAMES if path else ""}
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=environment)
    return time.perf_counter() - began


def install_plugins(site: Path) -> None:
    """Make twenty plugins as ``charrnn plugins new`` does, and lay them out as pip would."""
    for number in range(PLUGINS):
        name, module = f"cell-{number}", f"charrnn_cell_{number}"
        command = [sys.executable, "-m", "charrnn", "plugins", "new", name, "--directory", str(site)]
        subprocess.run(command, check=True, capture_output=True)
        package = site / f"charrnn-{name}"
        (package / module).rename(site / module)
        metadata = site / f"charrnn_cell_{number}-0.1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.4\nName: charrnn-{name}\nVersion: 0.1.0\nSummary: The cell {name}\n"
            "Requires-Python: >=3.11\nRequires-Dist: charrnn-cli<0.2,>=0.1\n\n" + (package / "README.md").read_text()
        )
        (metadata / "entry_points.txt").write_text(f"[charrnn]\n{name} = {module}\n")
        (metadata / "RECORD").write_text("")
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(site)], check=True)


def main() -> None:
    """Print medians of interleaved rounds, and their ratios."""
    imports, helps, many = [], [], []
    with TemporaryDirectory() as site:
        install_plugins(Path(site))
        shown = subprocess.run(
            [sys.executable, "-m", "charrnn", "plugins", "list"],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": site},
        )
        assert shown.stdout.count("charrnn-cell-") == PLUGINS, shown.stdout
        for _ in range(ROUNDS):
            imports.append(seconds("-c", "import typer, rich"))
            helps.append(seconds("-m", "charrnn", "--help"))
            many.append(seconds("-m", "charrnn", "--help", path=site))
    least, ours, theirs = (statistics.median(each) for each in (imports, helps, many))
    print(f"import typer, rich: {least * 1e3:.0f} ms")
    print(f"charrnn --help: {ours * 1e3:.0f} ms, {ours / least:.2f} times that")
    print(f"charrnn --help with {PLUGINS} plugins: {theirs * 1e3:.0f} ms, {theirs / ours:.2f} times that with none")


if __name__ == "__main__":
    main()
