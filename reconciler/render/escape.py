"""Foreign text made harmless: control and direction characters are shown, never obeyed."""

from __future__ import annotations

_DANGEROUS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that move the cursor, turn the reading direction, or show as nothing."""


def visible(text: str) -> str:
    r"""Return the text with every control, format and direction character written as ``\u....``.

    A file name, an agent's message or a manifest's line may hold anything; printed as it is, it
    could repaint the terminal or make one name look like another.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(one) for one in text)


def _shown(character: str) -> str:
    if character == "\t":
        return "\\t"
    if character == "\n":
        return "\\n"
    import unicodedata

    if unicodedata.category(character) not in _DANGEROUS:
        return character
    code = ord(character)
    if code <= 0xFF:  # noqa: PLR2004 - the two-digit escapes end here
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - as above
