"""Training batches: images wait in memory as bytes; everything else is made on the device.

All images lie behind one another in one flat uint8 tensor. A batch is one gather with computed
indices, so that crop, flip and rotation of every patch cost a single call, and the network, not
the loader, is the bottleneck.
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from spiden_cli.core.noise.training import Batch, TrainingNoise


class PatchSource:
    """Draws random patches from images held in memory.

    Args:
        images: tensors (C, H, W), uint8, or float16 as the noise takes them; each at least a patch
            and the noise's margin on both sides.
        patch_size: side P of a patch, in pixels.
        noise: what is added.
        generator: where all randomness comes from; its device is where batches are made.
    """

    def __init__(
        self,
        images: Sequence[Tensor],
        patch_size: int,
        noise: TrainingNoise,
        generator: torch.Generator,
    ) -> None:
        device = generator.device
        self.pixels = torch.cat([image.flatten() for image in images]).to(device)
        shapes = torch.tensor([image.shape for image in images])
        ends = shapes.prod(1).cumsum(0)
        self.starts = (ends - shapes.prod(1)).to(device)
        self.heights, self.widths = shapes[:, 1].to(device), shapes[:, 2].to(device)
        self.channels = images[0].shape[0]
        self.noise, self.generator = noise, generator
        self.side = patch_size + 2 * noise.margin
        # An image is drawn in proportion to the patches that it holds.
        held = (shapes[:, 1] - self.side + 1) * (shapes[:, 2] - self.side + 1)
        self.weights = held.to(device, torch.float32)

    @property
    def image_count(self) -> int:
        """How many images the patches are drawn from."""
        return len(self.starts)

    def reseeded(self, generator: torch.Generator) -> "PatchSource":
        """Return a source of the same images that draws from another generator."""
        source = copy.copy(self)
        source.generator = generator
        return source

    def draw(self, batch_size: int) -> Batch:
        """Draw a batch of patches, each flipped and turned at random, and noised."""
        patches = self._patches(batch_size)
        white = 1 if patches.is_floating_point() else 255
        return self.noise(patches.float() / white, self.generator)

    def _uniform(self, count: int) -> Tensor:
        return torch.rand(count, generator=self.generator, device=self.pixels.device)

    def _patches(self, count: int) -> Tensor:
        side, device = self.side, self.pixels.device
        image = torch.multinomial(self.weights, count, replacement=True, generator=self.generator)
        heights, widths = self.heights[image], self.widths[image]
        top = (self._uniform(count) * (heights - side + 1)).long().clamp_max(heights - side)
        left = (self._uniform(count) * (widths - side + 1)).long().clamp_max(widths - side)
        rows, columns = self._oriented(count, torch.arange(side, device=device))
        index = (top[:, None, None] + rows) * widths[:, None, None]
        index = index + left[:, None, None] + columns + self.starts[image][:, None, None]
        planes = torch.arange(self.channels, device=device) * (heights * widths)[:, None]
        return self.pixels[index[:, None] + planes[:, :, None, None]]

    def _oriented(self, count: int, steps: Tensor) -> tuple[Tensor, Tensor]:
        """Return row and column of every pixel, (B, P, P) each, in one of eight orientations."""
        flip_rows, flip_columns, turn = (
            (self._uniform(count) < 0.5)[:, None, None] for _ in range(3)
        )
        down = steps[None, :, None].expand(count, -1, len(steps))
        across = steps[None, None, :].expand(count, len(steps), -1)
        rows, columns = torch.where(turn, across, down), torch.where(turn, down, across)
        last = len(steps) - 1
        return (
            torch.where(flip_rows, last - rows, rows),
            torch.where(flip_columns, last - columns, columns),
        )
