"""Trained policies that come with the package; the card beside each says how it was trained and what it reached."""

from pathlib import Path


def shipped(name: str) -> Path:
    """Return the path of a shipped checkpoint, e.g. ``"job_shop_self_labelled"``."""
    return Path(__file__).with_name(f"{name}.safetensors")
