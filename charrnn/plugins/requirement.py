"""Whether a plugin was built for this charrnn."""

from __future__ import annotations

import re
from collections.abc import Iterable

import charrnn
from charrnn.errors import PluginError

#: The inline metadata of a single file (PEP 723): a comment that holds TOML.
_SCRIPT = r"(?m)^# /// script$\s(?P<content>(?:^#(?:| .*)$\s)+)^# ///$"
_OURS = re.compile(rf"(?i){charrnn.DISTRIBUTION.replace('-', '[-_.]+')}\b(?![-_.]\w)")


def check_requirements(requirements: Iterable[str]) -> None:
    """Compare what a plugin says of charrnn with what runs.

    Args:
        requirements: a distribution's, or a file's (PEP 508).

    Raises:
        PluginError: it wants another version.
    """
    ours = [each for each in requirements if _OURS.match(each)]
    if not ours:
        return
    from packaging.requirements import InvalidRequirement, Requirement

    for text in ours:
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            raise PluginError(f"its requirement {text!r} cannot be read: {error}") from error
        if not requirement.specifier.contains(charrnn.__version__, prereleases=True):
            raise PluginError(
                f"it was built for {requirement.name} {requirement.specifier}, and this is {charrnn.__version__}; "
                "get another version of it"
            )


def file_requirements(source: str) -> list[str]:
    """Read a file's own requirements (PEP 723), without running it.

    Raises:
        PluginError: the block is no TOML.
    """
    block = re.search(_SCRIPT, source)
    if block is None:
        return []
    import tomllib

    lines = [line[2:] if line.startswith("# ") else line[1:] for line in block["content"].splitlines()]
    try:
        declared = tomllib.loads("\n".join(lines)).get("dependencies", [])
    except tomllib.TOMLDecodeError as error:
        raise PluginError(f"its '# /// script' block is no TOML: {error}") from error
    return [each for each in declared if isinstance(each, str)] if isinstance(declared, list) else []
