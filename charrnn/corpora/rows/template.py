"""Texts with names in braces, such as ``{title}\\n{body}``: no expressions, no format specifications."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter

from charrnn.errors import UsageError


class Template:
    """A text that is filled in by name.

    Args:
        text: names stand in single braces; a literal brace is written twice.
        label: what a person calls the setting, for messages.

    Attributes:
        names: those in the text, each once, in their order.

    Raises:
        UsageError: the braces do not match, or something other than a name stands between them.
    """

    def __init__(self, text: str, label: str) -> None:
        self.text = text
        try:
            parsed = list(Formatter().parse(text))
        except ValueError as error:
            raise UsageError(f"{label} {text!r}: {error}; write a literal brace twice") from None
        self._parts: list[tuple[str, str | None]] = []
        for literal, name, specification, conversion in parsed:
            if name == "" or specification or conversion or (name and "{" in name):
                raise UsageError(f"{label} {text!r}: only a plain name may stand in braces, such as {{title}}")
            self._parts.append((literal, name))
        self.names = tuple(dict.fromkeys(name for _, name in self._parts if name is not None))

    def fill(self, values: Mapping[str, str]) -> str:
        """Put a value in place of each name."""
        return "".join(literal + ("" if name is None else values[name]) for literal, name in self._parts)
