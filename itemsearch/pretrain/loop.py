"""The pre-training loop, which can be stopped by a signal and resumed exactly."""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, GradientAccumulationPlugin
from torch import Tensor
from torch.utils.data import DataLoader

from itemsearch.indexes.progress import Progress, silent
from itemsearch.model.device import has_bfloat16
from itemsearch.model.pretraining import ITEmForPreTraining, PretrainBatch
from itemsearch.pretrain.batches import Collator, TrainingPairs
from itemsearch.pretrain.cached_contrast import ContrastGradient, cache_contrast, set_random_state
from itemsearch.pretrain.checkpoint import LOSSES_FILE, resume, save_checkpoint
from itemsearch.pretrain.config import PretrainConfig, TrainConfig

PART_WEIGHTS_RATE = 30.0
"""Factor of the learning rate for the weights of an embedding's parts."""

Report = Callable[[dict[str, float]], None]
"""Receives a step's losses by name, with the key "step" and, for training, "steps_per_second"."""


def learning_rate(step: int, config: TrainConfig) -> float:
    """The rate of a step, counted from 0: linear warm-up, then half a cosine down to a hundredth."""
    warmup = max(1, round(config.steps * config.warmup_share))
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    decayed = (step - warmup) / max(1, config.steps - warmup)
    return config.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * decayed)) / 2)


class PretrainLoop:
    """Trains `model` on `training`, whose items are in the order of their use.

    Under `torchrun` or `accelerate launch`, every process takes its share of each step's batches. `folder`
    receives the checkpoint and the log of losses.
    """

    def __init__(
        self,
        model: ITEmForPreTraining,
        config: PretrainConfig,
        collate: Collator,
        training: TrainingPairs,
        validation: TrainingPairs,
        folder: Path,
    ) -> None:
        self.model = model
        self.config = config
        self.collate = collate
        self.training = training
        self.validation = validation
        self.folder = folder

    @classmethod
    def accelerator(cls, config: PretrainConfig) -> Accelerator:
        """An accelerator on the launcher's devices, in bfloat16 where the hardware has it."""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return Accelerator(
            cpu=device.type == "cpu",  # processes on a CPU form a group only if this is set
            mixed_precision="bf16" if has_bfloat16(device) else "no",
            gradient_accumulation_plugin=GradientAccumulationPlugin(
                num_steps=config.train.gradient_accumulation,
                # A step draws all its batches first, so the loader ends before the last step begins. With
                # this option, each batch of that step would update the weights.
                sync_with_dataloader=False,
            ),
            kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
        )

    def run(
        self,
        accelerator: Accelerator,
        report: Report,
        progress: Progress = silent,
        until: int | None = None,
    ) -> int:
        """Trains to the last step, or to the end of the step in which Ctrl-C or SIGTERM arrives.

        Args:
            until: the step to stop after; None for the last.

        Returns:
            The number of steps done, those before a resumption included.
        """
        train = self.config.train
        end = train.steps if until is None else min(until, train.steps)
        optimizer = torch.optim.AdamW(self._parameter_groups(), train.learning_rate)
        model, optimizer = accelerator.prepare(self.model, optimizer)
        step = resume(accelerator, self.folder)
        batches = iter(self._loader(accelerator, step))
        unlogged: list[dict[str, float]] = []
        started = time.perf_counter()
        with _stop_signal() as stop_requested:
            while step < end and not stop_requested():
                for group in optimizer.param_groups:
                    group["lr"] = learning_rate(step, train) * group["rate"]
                unlogged.append(self._update(accelerator, model, optimizer, batches))
                step += 1
                progress("training steps", step, train.steps)
                if step % train.log_every == 0 or step == end:
                    speed = len(unlogged) / (time.perf_counter() - started)
                    self._log(report, accelerator, {"step": step, **_mean(unlogged)}, speed)
                    unlogged, started = [], time.perf_counter()
                if step % train.validate_every == 0 or step == train.steps:
                    self._log(report, accelerator, {"step": step, **self._validate(accelerator, model)})
                    started = time.perf_counter()
                if step % train.save_every == 0 or step == end:
                    save_checkpoint(accelerator, self.folder, step)
            if stop_requested():
                save_checkpoint(accelerator, self.folder, step)
        return step

    def _parameter_groups(self) -> list[dict[str, Any]]:
        """Two groups: the logarithmic weights of an embedding's parts have a higher rate than all others."""
        parts = self.model.item.part_weights
        others = [
            weight for weight in self.model.parameters() if weight.requires_grad and weight is not parts
        ]
        return [
            {"params": others, "rate": 1.0, "weight_decay": self.config.train.weight_decay},
            {"params": [parts], "rate": PART_WEIGHTS_RATE, "weight_decay": 0.0},
        ]

    def _update(
        self, accelerator: Accelerator, model: Any, optimizer: Any, batches: Iterator[PretrainBatch]
    ) -> dict[str, float]:
        """One step: updates the weights once, and returns the mean losses of its batches."""
        model.train()
        mean_losses: dict[str, float] = {}
        step_batches = [next(batches) for _ in range(self.config.train.gradient_accumulation)]
        contrasts = self._contrasts(accelerator, model, step_batches)
        for batch, contrast in zip(step_batches, contrasts, strict=True):
            with accelerator.accumulate(model):
                losses = self._losses(accelerator, model, batch, contrast)
                accelerator.backward(losses["loss"])
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()
            for name, loss in losses.items():
                mean_losses[name] = mean_losses.get(name, 0.0) + loss.item() / len(step_batches)
        return mean_losses

    def _contrasts(
        self, accelerator: Accelerator, model: Any, batches: list[PretrainBatch]
    ) -> Sequence[ContrastGradient | None]:
        """The cached contrast over the step's batches, by batch; None for each if it is not configured."""
        if not (self.config.train.cached_contrast and self.config.objectives.relisting):
            return [None] * len(batches)
        with accelerator.autocast():
            return cache_contrast(accelerator.unwrap_model(model), batches, self.config.relisting.temperature)

    def _losses(
        self, accelerator: Accelerator, model: Any, batch: PretrainBatch, contrast: ContrastGradient | None
    ) -> dict[str, Tensor]:
        objectives, temperature = self.config.objectives, self.config.relisting.temperature
        if contrast is not None:
            set_random_state(contrast.random_state)
        with accelerator.autocast():
            losses: dict[str, Tensor] = model(batch, objectives, temperature, contrast and contrast.attach)
        return losses

    @torch.no_grad()
    def _validate(self, accelerator: Accelerator, model: Any) -> dict[str, float]:
        """Mean losses on the held-out listings, with the same masking every time."""
        model.eval()
        size = self.config.train.batch_size
        batch_losses = []
        for batch in DataLoader(
            self.validation, batch_size=size, collate_fn=self.collate, generator=torch.Generator()
        ):
            losses = self._losses(accelerator, model, batch.to(accelerator.device), None)
            batch_losses.append({f"held_out_{name}": loss.item() for name, loss in losses.items()})
        return _mean(batch_losses)

    def _loader(self, accelerator: Accelerator, step: int) -> Any:
        """The training batches from `step` on."""
        train = self.config.train
        used = step * train.gradient_accumulation * train.batch_size * accelerator.num_processes
        return accelerator.prepare(
            DataLoader(
                self.training,
                batch_size=train.batch_size,
                sampler=range(used, len(self.training)),
                collate_fn=self.collate,
                num_workers=train.workers,
                # By default, opening a loader draws from the generator that dropout uses.
                generator=torch.Generator(),
            )
        )

    def _log(
        self, report: Report, accelerator: Accelerator, losses: dict[str, float], speed: float | None = None
    ) -> None:
        """Appends a line to the log of losses and reports it, with the speed in steps a second, if any."""
        if not accelerator.is_main_process:
            return
        with (self.folder / LOSSES_FILE).open("a") as log:
            log.write(json.dumps(losses) + "\n")
        report(losses if speed is None else {**losses, "steps_per_second": speed})


def _mean(losses: list[dict[str, float]]) -> dict[str, float]:
    """The mean of each loss; empty for no losses."""
    return {name: sum(each[name] for each in losses) / len(losses) for name in losses[0]} if losses else {}


@contextmanager
def _stop_signal() -> Iterator[Callable[[], bool]]:
    """Yields a function that says whether Ctrl-C or SIGTERM has arrived; a second one interrupts at once."""
    requested = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal requested
        if requested:
            raise KeyboardInterrupt
        requested = True

    previous_handlers = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: requested
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
