"""File names for results: instance names are untrusted text, and must neither leave the folder nor collide."""

import hashlib
import unicodedata

MAX_BYTES = 120  # far below the 255 of common file systems: callers add suffixes
RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³")}
)
ALLOWED = frozenset("-_.+=,()@ ")


def safe_name(name: str, taken: set[str] | None = None) -> str:
    """Return a file name (without suffix) for `name` that is safe on Linux, macOS and Windows.

    Letters and digits of any script stay; other characters become ``_``. A name that had to be changed, or
    whose case-folded form is in `taken`, gets a piece of its own SHA-256, and a number if need be.

    Parameters
    ----------
    name : str
        Any text.
    taken : set of str, optional
        Case-folded names already used in the folder; the new one is added.

    Examples
    --------
    >>> safe_name("ft06--cp-sat--0")
    'ft06--cp-sat--0'
    >>> safe_name("../etc/passwd").startswith("_etc_passwd-")
    True
    """
    taken = set() if taken is None else taken
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    plain = unicodedata.normalize("NFC", name)
    stem = "".join(c if c.isalnum() or c in ALLOWED else "_" for c in plain)
    stem = _shortened(stem.strip(". ").lstrip("-"), MAX_BYTES)
    chosen = stem
    if not stem or stem != name or stem.split(".")[0].strip().casefold() in RESERVED:
        chosen = f"{_shortened(stem, MAX_BYTES - 11) or 'unnamed'}-{digest[:10]}"
        if chosen.split(".")[0].casefold() in RESERVED:
            chosen = f"_{chosen}"
    number = 2
    candidate = chosen
    while _folded(candidate) in taken:
        candidate = f"{_shortened(chosen, MAX_BYTES - 22)}-{digest[:10]}-{number}"
        number += 1
    taken.add(_folded(candidate))
    return candidate


def _folded(name: str) -> str:
    """Two names that some file system takes for one have one folded form."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _shortened(text: str, limit: int) -> str:
    """Cut to `limit` UTF-8 bytes without splitting a character, and leave no dot or space at the end."""
    return text.encode("utf-8", "ignore")[:limit].decode("utf-8", "ignore").rstrip(". ")
