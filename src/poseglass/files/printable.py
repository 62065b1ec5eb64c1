"""Text from outside, such as file names, in a form that is safe to print."""

import unicodedata

__all__ = ["printable"]

KEPT = "\n\t"
HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode's categories of control characters, format characters (among them direction marks), parts of file names that
are not UTF-8, and line separators."""
JOINERS = "\u200c\u200d"
"""Format characters that Persian, Indian languages and emoji need, and that hide nothing."""


def printable(text: str) -> str:
    r"""The text with control characters, direction marks and bytes that are not UTF-8 escaped.

    A terminal would obey control characters. Direction marks reorder the text that is shown, so that ``exe.fdp`` looks
    like ``pdf.exe``. Line feeds and tabs are kept.

    Example:
        >>> printable("walk\x1b[2J.mp4"), printable("é \u202e \udcff")
        ('walk\\x1b[2J.mp4', 'é \\u202e \\xff')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    if letter in KEPT or letter in JOINERS or unicodedata.category(letter) not in HIDDEN:
        return letter
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # Python's stand-in for a byte of a file name that is not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
