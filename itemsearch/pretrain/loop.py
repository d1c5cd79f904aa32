"""The pre-training loop: resumes exactly, and stops on Ctrl-C with nothing lost."""

from __future__ import annotations

import json
import math
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, GradientAccumulationPlugin
from torch import Tensor
from torch.utils.data import DataLoader

from itemsearch.model.device import has_bfloat16
from itemsearch.model.pretraining import ITEmForPreTraining, PretrainBatch
from itemsearch.pretrain.cached_contrast import ContrastGradient, cache_contrast, set_random_state
from itemsearch.pretrain.config import PretrainConfig, TrainConfig
from itemsearch.pretrain.data import Collator, RelistedProducts

PART_WEIGHTS_RATE = 30.0
"""What the learning rate is multiplied by for the weights of an embedding's parts."""

Report = Callable[[dict[str, float]], None]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands: `step` updates of the weights are done."""

    step: int
    finished: bool


def learning_rate(step: int, config: TrainConfig) -> float:
    """Linear warm-up, then a half cosine down to a hundredth. `step` counts from 0."""
    warmup = max(1, round(config.steps * config.warmup_share))
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    passed = (step - warmup) / max(1, config.steps - warmup)
    return config.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * passed)) / 2)


class PretrainLoop:
    """Trains `model` on `training`, whose items are in the order in which they are to be used.

    Run under `torchrun` or `accelerate launch`, every process takes its share of each step's batches.
    """

    def __init__(
        self,
        model: ITEmForPreTraining,
        config: PretrainConfig,
        collate: Collator,
        training: RelistedProducts,
        validation: RelistedProducts,
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
        """bfloat16 where the hardware has it; the devices that the launcher gives."""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return Accelerator(
            cpu=device.type == "cpu",  # several processes on a CPU find each other only when it is said
            mixed_precision="bf16" if has_bfloat16(device) else "no",
            gradient_accumulation_plugin=GradientAccumulationPlugin(
                num_steps=config.train.gradient_accumulation,
                # A step draws all its batches first: the loader's end, reached before the last step begins,
                # would have each of that step's batches update the weights.
                sync_with_dataloader=False,
            ),
            kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
        )

    def run(self, accelerator: Accelerator, report: Report, until: int | None = None) -> Progress:
        """Trains to the last step, to step `until`, or to the step in which Ctrl-C or SIGTERM arrives."""
        train = self.config.train
        end = train.steps if until is None else min(until, train.steps)
        optimizer = torch.optim.AdamW(self._parameter_groups(), train.learning_rate)
        model, optimizer = accelerator.prepare(self.model, optimizer)
        step = self._resume(accelerator)
        batches = iter(self._loader(accelerator, step))
        window: list[dict[str, float]] = []
        started = time.perf_counter()
        with _stop_signal() as stopped:
            while step < end and not stopped():
                for group in optimizer.param_groups:
                    group["lr"] = learning_rate(step, train) * group["rate"]
                window.append(self._update(accelerator, model, optimizer, batches))
                step += 1
                if step % train.log_every == 0 or step == end:
                    pace = len(window) / (time.perf_counter() - started)
                    self._log(report, accelerator, {"step": step, **_mean(window)}, pace)
                    window, started = [], time.perf_counter()
                if step % train.validate_every == 0 or step == train.steps:
                    self._log(report, accelerator, {"step": step, **self._validate(accelerator, model)})
                    started = time.perf_counter()
                if step % train.save_every == 0 or step == end:
                    self._save(accelerator, step)
            if stopped():
                self._save(accelerator, step)
        return Progress(step, finished=step == train.steps)

    def _parameter_groups(self) -> list[dict[str, Any]]:
        """The weights of an embedding's parts, a few logarithms, move further in a step than the others."""
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
        model.train()
        train = self.config.train
        sums: dict[str, float] = {}
        step = [next(batches) for _ in range(train.gradient_accumulation)]
        for batch, contrast in zip(step, self._contrasts(accelerator, model, step), strict=True):
            with accelerator.accumulate(model):
                losses = self._losses(accelerator, model, batch, contrast)
                accelerator.backward(losses["loss"])
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0.0) + loss.item() / len(step)
        return sums

    def _contrasts(
        self, accelerator: Accelerator, model: Any, step: list[PretrainBatch]
    ) -> Sequence[ContrastGradient | None]:
        """What the contrast of the whole step asks of each of its batches; None where each has its own."""
        if not (self.config.train.cached_contrast and self.config.objectives.relisting):
            return [None] * len(step)
        with accelerator.autocast():
            return cache_contrast(accelerator.unwrap_model(model), step, self.config.relisting.temperature)

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
        """The losses on held-out products, with the same hidden words and patches every time."""
        model.eval()
        size = self.config.train.batch_size
        losses = []
        for batch in DataLoader(
            self.validation, batch_size=size, collate_fn=self.collate, generator=torch.Generator()
        ):
            named = self._losses(accelerator, model, batch.to(accelerator.device), None)
            losses.append({f"held_out_{name}": loss.item() for name, loss in named.items()})
        return _mean(losses)

    def _loader(self, accelerator: Accelerator, step: int) -> Any:
        train = self.config.train
        done = step * train.gradient_accumulation * train.batch_size * accelerator.num_processes
        return accelerator.prepare(
            DataLoader(
                self.training,
                batch_size=train.batch_size,
                sampler=range(done, len(self.training)),
                collate_fn=self.collate,
                num_workers=train.workers,
                # Its own, or else opening a loader would draw from the generator that dropout uses.
                generator=torch.Generator(),
            )
        )

    def _resume(self, accelerator: Accelerator) -> int:
        checkpoint, old = self.folder / "checkpoint", self.folder / "checkpoint.old"
        if not checkpoint.is_dir() and not old.is_dir():
            return 0
        checkpoint = checkpoint if checkpoint.is_dir() else old  # killed between two renames of `_save`
        accelerator.load_state(str(checkpoint))
        step = int(json.loads((checkpoint / "step.json").read_text())["step"])
        if accelerator.is_main_process:
            self._forget_losses_after(step)
        return step

    def _save(self, accelerator: Accelerator, step: int) -> None:
        """Replaces the checkpoint whole: whoever is killed here finds the old one or the new one."""
        checkpoint, partial = self.folder / "checkpoint", self.folder / "checkpoint.partial"
        if accelerator.is_main_process:
            shutil.rmtree(partial, ignore_errors=True)
        accelerator.wait_for_everyone()
        accelerator.save_state(str(partial))
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            (partial / "step.json").write_text(json.dumps({"step": step}))
            old = self.folder / "checkpoint.old"
            if checkpoint.exists():
                shutil.rmtree(old, ignore_errors=True)
                checkpoint.rename(old)
            partial.rename(checkpoint)
            shutil.rmtree(old, ignore_errors=True)
        accelerator.wait_for_everyone()

    def _log(
        self, report: Report, accelerator: Accelerator, losses: dict[str, float], pace: float | None = None
    ) -> None:
        """Appends a line to losses.jsonl; the pace, steps a second, is reported but not kept."""
        if not accelerator.is_main_process:
            return
        with (self.folder / "losses.jsonl").open("a") as log:
            log.write(json.dumps(losses) + "\n")
        report(losses if pace is None else {**losses, "steps_per_second": pace})

    def _forget_losses_after(self, step: int) -> None:
        log = self.folder / "losses.jsonl"
        if log.exists():
            lines = log.read_text().splitlines(keepends=True)
            log.write_text("".join(line for line in lines if json.loads(line)["step"] <= step))


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]} if rows else {}


@contextmanager
def _stop_signal() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM ask for a stop after the running step; a second one stops at once."""
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    old = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
