"""Checkpoints of a pre-training run, replaced atomically, and resumption from them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from accelerate import Accelerator

LOSSES_FILE = "losses.jsonl"


def save_checkpoint(accelerator: Accelerator, folder: Path, step: int) -> None:
    """Saves the state after `step` steps; a kill at any time leaves the old checkpoint or the new one."""
    checkpoint, partial, old = (folder / f"checkpoint{suffix}" for suffix in ("", ".partial", ".old"))
    if accelerator.is_main_process:
        shutil.rmtree(partial, ignore_errors=True)
    accelerator.wait_for_everyone()
    accelerator.save_state(str(partial))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        (partial / "step.json").write_text(json.dumps({"step": step}))
        if checkpoint.exists():
            shutil.rmtree(old, ignore_errors=True)
            checkpoint.rename(old)
        partial.rename(checkpoint)
        shutil.rmtree(old, ignore_errors=True)
    accelerator.wait_for_everyone()


def resume(accelerator: Accelerator, folder: Path) -> int:
    """Loads the checkpoint and removes later lines from the log of losses.

    Returns:
        The checkpoint's step; 0 if there is none.
    """
    checkpoint, old = folder / "checkpoint", folder / "checkpoint.old"
    if not checkpoint.is_dir() and not old.is_dir():
        return 0
    checkpoint = checkpoint if checkpoint.is_dir() else old  # killed between two renames of `save_checkpoint`
    accelerator.load_state(str(checkpoint))
    step = int(json.loads((checkpoint / "step.json").read_text())["step"])
    if accelerator.is_main_process:
        _truncate_losses(folder / LOSSES_FILE, step)
    return step


def _truncate_losses(log: Path, step: int) -> None:
    if log.exists():
        lines = log.read_text().splitlines(keepends=True)
        log.write_text("".join(line for line in lines if json.loads(line)["step"] <= step))
