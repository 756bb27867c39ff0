"""Which number format this machine trains fastest in: measured, not guessed.

bfloat16 convolutions need hardware for them (avx512_bf16 or amx on a CPU, Ampere and later on an
NVIDIA GPU); elsewhere they are emulated, and slower than float32.
"""

import time

import torch
from torch import nn


def fastest_precision(device: torch.device) -> str:
    """Return "float32" or "bfloat16", whichever trains a 3x3 convolution faster.

    Takes about a second.
    """
    seconds = {name: _time_step(device, name) for name in ("float32", "bfloat16")}
    return min(seconds, key=lambda name: seconds[name])


def _time_step(device: torch.device, precision: str) -> float:
    conv = nn.Conv2d(64, 64, 3, padding=1).to(device)
    conv.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.ones(4, 64, 32, 32, device=device).to(memory_format=torch.channels_last)
    images.requires_grad_()
    times = []
    for _ in range(4):
        start = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            loss = conv(images).float().square().mean()
        loss.backward()
        loss.item()  # waits for the device
        times.append(time.perf_counter() - start)
    return min(times[1:])  # the first one pays for set-up
