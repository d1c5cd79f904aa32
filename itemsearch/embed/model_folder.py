"""Finds the folder of a model, and tells models apart by their files; loads no model."""

from __future__ import annotations

import hashlib
from pathlib import Path

from itemsearch.errors import ModelError
from itemsearch.ranking.ranking import RANKING_FILE
from itemsearch.titles import FOLDING_VERSION

DEFAULT_MODEL = "default"
SHIPPED_WEIGHTS = Path(__file__).parents[1] / "weights"
CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
FINGERPRINTED = (CONFIG, WEIGHTS, "processor_config.json", TOKENIZER)
PREPROCESSING_VERSION = "2"
"""Part of every fingerprint; raised when the same model files begin to give other embeddings."""


def model_folder(name: str) -> Path:
    """Finds the folder of a model: of the shipped weights, of that name, or of a hub model's local copy.

    Raises:
        ModelError: `name` is neither a model folder nor the name of a model on a reachable hub.
    """
    folder = SHIPPED_WEIGHTS / DEFAULT_MODEL if name == DEFAULT_MODEL else Path(name)
    if folder.is_dir():
        missing = [file for file in FINGERPRINTED if not (folder / file).is_file()]
        if missing:
            raise ModelError(f"{folder}: no {missing[0]}: not a model folder of itemsearch pretrain")
        return folder
    if name == DEFAULT_MODEL:
        raise ModelError(
            f"{folder}: the shipped weights are missing; install itemsearch again, or give --model"
        )
    return _download(name)


def _download(name: str) -> Path:
    from huggingface_hub import snapshot_download  # takes time to import, and folders do not need it
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(name, allow_patterns=[*FINGERPRINTED, "tokenizer_config.json", RANKING_FILE])
        )
    except (HFValidationError, LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise ModelError(f"{name}: neither a model folder nor a model on a reachable hub") from error


def full_name(name: str, folder: Path) -> str:
    """The name by which an index finds its model again: a folder's whole path, whatever folder is current."""
    return str(folder.resolve()) if Path(name).is_dir() else name


def fingerprint(folder: Path) -> str:
    """Hashes every file that embeddings depend on, and the versions of what is done before, to 32 hex digits.

    Raises:
        ModelError: a file of the model cannot be read.
    """
    versions = f"{PREPROCESSING_VERSION}.{FOLDING_VERSION}"
    digest = hashlib.blake2b(versions.encode(), digest_size=16)
    for name in FINGERPRINTED:
        try:
            digest.update((folder / name).read_bytes())
        except OSError as error:
            raise ModelError(f"{folder / name}: {error.strerror}: not a whole model") from error
    return digest.hexdigest()
