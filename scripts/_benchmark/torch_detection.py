"""Faster R-CNN in plain PyTorch, as its users write it; see `torch_steps`.

Networks, anchors, losses and numbers of samples are those of `Detector`. Boxes are
handled picture by picture, as in torchvision's reference; its compiled RoIAlign and its
compiled suppression of overlaps are written out, the one with `grid_sample`.
"""

import math

import torch
from scenes import objects_of
from torch import nn
from torch.nn import functional
from torch_steps import channels_last, scaled

STRIDE, SIZE = 8, 7
SCALES, RATIOS = (16, 32, 48), (0.5, 1.0, 2.0)
STDS = (0.1, 0.1, 0.2, 0.2)
SAMPLES, BEFORE, AFTER = 64, 300, 64


def detector(arguments, batch_size):
    """The networks of `Detector`, and its step."""
    shape, classes = arguments["image_shape"], arguments["num_classes"]
    backbone = channels_last(Backbone(shape[-1]))
    networks = {"backbone": backbone, "rpn": RPN(128, 9), "head": Head(128, classes)}
    parameters = [p for network in networks.values() for p in network.parameters()]
    adam, anchors = torch.optim.Adam(parameters, 1e-3), anchor_boxes(shape)

    def step(images, labels):
        found = objects_of(labels.cpu().numpy(), shape)
        there = [torch.as_tensor(boxes) for boxes in found["boxes"]]
        kinds = [torch.as_tensor(one) for one in found["labels"]]
        adam.zero_grad(set_to_none=True)
        maps = backbone(scaled(images))
        logits, deltas = networks["rpn"](maps)
        loss = torch.stack(
            [rpn_loss(*one, anchors) for one in zip(logits, deltas, there, strict=True)]
        )
        rois, targets = [], []
        for i, (boxes, kind) in enumerate(zip(there, kinds, strict=True)):
            proposals = proposed(logits[i].detach(), deltas[i].detach(), anchors, shape)
            chosen = sampled(torch.cat([proposals, boxes]), boxes, kind)
            rois.append(chosen[0])
            targets.append(chosen[1:])
        pooled = torch.cat([roi_align(m, b) for m, b in zip(maps, rois, strict=True)])
        kind, aim = (torch.cat(one) for one in zip(*targets, strict=True))
        scores, boxes = networks["head"](pooled)
        some = kind > 0
        own = boxes.unflatten(1, (-1, 4))[some, kind[some] - 1]
        of_boxes = functional.smooth_l1_loss(own, aim[some], reduction="sum")
        loss = loss.mean() + functional.cross_entropy(scores, kind)
        (loss + of_boxes / len(kind)).backward()
        adam.step()

    return step, networks, batch_size


class Backbone(nn.Sequential):
    """Six convolutions to an eighth."""

    def __init__(self, colours):
        layers, before = [], colours
        for after, stride in ((32, 2), (64, 2), (64, 1), (128, 2), *[(128, 1)] * 3):
            layers.append(nn.Conv2d(before, after, 3, stride, 1, bias=False))
            layers += [nn.BatchNorm2d(after), nn.ReLU(True)]
            before = after
        super().__init__(*layers)


class RPN(nn.Module):
    """Logits and deltas of the anchors of every place."""

    def __init__(self, channels, anchors):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.logits = nn.Conv2d(channels, anchors, 1)
        self.deltas = nn.Conv2d(channels, 4 * anchors, 1)
        for layer in (self.conv, self.logits, self.deltas):
            nn.init.normal_(layer.weight, 0.0, 0.01)
            nn.init.zeros_(layer.bias)

    def forward(self, maps):
        """Maps to `(batch, anchors)` and `(batch, anchors, 4)`."""
        x = functional.relu_(self.conv(maps))
        logits = self.logits(x).permute(0, 2, 3, 1).flatten(1)
        return logits, self.deltas(x).permute(0, 2, 3, 1).flatten(1).unflatten(
            1, (-1, 4)
        )


class Head(nn.Module):
    """Classes and boxes of regions."""

    def __init__(self, channels, classes):
        super().__init__()
        self.fc = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels * SIZE**2, 256),
            nn.ReLU(True),
            nn.Linear(256, 256),
            nn.ReLU(True),
        )
        self.scores, self.boxes = (
            nn.Linear(256, classes + 1),
            nn.Linear(256, 4 * classes),
        )

    def forward(self, regions):
        """Regions to logits and deltas."""
        x = self.fc(regions)
        return self.scores(x), self.boxes(x)


def anchor_boxes(shape):
    """All of them, yxyx."""
    half = [
        (s * math.sqrt(r) / 2, s / math.sqrt(r) / 2) for s in SCALES for r in RATIOS
    ]
    places = [(torch.arange(side // STRIDE) + 0.5) * STRIDE for side in shape[:2]]
    middle = torch.stack(torch.meshgrid(*places, indexing="ij"), -1)[:, :, None]
    return torch.cat(
        [middle - torch.tensor(half), middle + torch.tensor(half)], -1
    ).view(-1, 4)


def overlaps(a, b):
    """Intersection over union of each with each."""
    low = torch.maximum(a[:, None, :2], b[:, :2])
    high = torch.minimum(a[:, None, 2:], b[:, 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    areas = [(one[:, 2:] - one[:, :2]).prod(-1) for one in (a, b)]
    return shared / (areas[0][:, None] + areas[1] - shared)


def encoded(boxes, anchors):
    """Deltas (y, x, height, width)."""
    side, size = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    move = (boxes[:, :2] + side / 2 - anchors[:, :2] - size / 2) / size
    return torch.cat([move, (side / size).log()], 1)


def decoded(deltas, anchors):
    """Boxes."""
    size = anchors[:, 2:] - anchors[:, :2]
    middle = anchors[:, :2] + size / 2 + deltas[:, :2] * size
    half = deltas[:, 2:].clamp(max=4).exp() * size / 2
    return torch.cat([middle - half, middle + half], 1)


def rpn_loss(logits, deltas, there, anchors):
    """Of one picture: of half a sample of positive anchors, and of negative ones."""
    table = overlaps(anchors, there)
    overlap, index = table.max(1)
    positive = (overlap >= 0.7) | (table >= table.max(0).values).any(1)
    negative = torch.nonzero((overlap < 0.3) & ~positive)[:, 0]
    positive = torch.nonzero(positive)[:, 0]
    positive = positive[torch.randperm(len(positive))[: SAMPLES // 2]]
    negative = negative[torch.randperm(len(negative))[: SAMPLES - len(positive)]]
    rows = torch.cat([positive, negative])
    wanted = (torch.arange(len(rows)) < len(positive)).float()
    loss = functional.binary_cross_entropy_with_logits(logits[rows], wanted)
    aim = encoded(there[index[positive]], anchors[positive])
    of_boxes = functional.smooth_l1_loss(
        deltas[positive], aim, reduction="sum", beta=1 / 9
    )
    return loss + of_boxes / len(rows)


def proposed(logits, deltas, anchors, shape):
    """The best anchors' boxes, without those that overlap with a better one."""
    best = logits.topk(BEFORE).indices
    boxes = decoded(deltas[best], anchors[best])
    boxes = boxes.clamp(min=0).minimum(torch.tensor(shape[:2]).repeat(2))
    clash, kept = (overlaps(boxes, boxes) > 0.7).cpu().numpy(), []
    for i in range(len(boxes)):
        if not clash[i, kept].any():
            kept.append(i)
        if len(kept) == AFTER:
            break
    return boxes[kept]


def sampled(boxes, there, kinds):
    """Some regions of a picture, their classes and deltas."""
    overlap, index = overlaps(boxes, there).max(1)
    some, none = (torch.nonzero(one)[:, 0] for one in (overlap >= 0.5, overlap < 0.5))
    some = some[torch.randperm(len(some))[: SAMPLES // 4]]
    none = none[torch.randperm(len(none))[: SAMPLES - len(some)]]
    rows = torch.cat([some, none])
    kind = kinds[index[rows]] + 1
    kind[len(some) :] = 0
    aim = encoded(there[index[rows]], boxes[rows]) / torch.tensor(STDS)
    return boxes[rows], kind, aim


def roi_align(maps, boxes, samples=2):
    """Regions of one picture's maps `(channels, height, width)`."""
    low, high = (boxes / STRIDE).split(2, 1)
    count = SIZE * samples
    step = (torch.arange(count) + 0.5) / count
    sides = torch.tensor(maps.shape[1:])
    # grid_sample's -1 and 1 are the outer edges of the map.
    points = (low[:, None] + step[:, None] * (high - low)[:, None]) * 2 / sides - 1
    y, x = points.unbind(-1)
    grid = torch.stack(
        [
            x[:, None].expand(-1, count, -1),
            y[:, :, None].expand(-1, -1, count),
        ],
        -1,
    )
    read = functional.grid_sample(
        maps[None], grid.reshape(1, -1, count, 2), "bilinear", "border", False
    )
    read = read[0].unflatten(1, (-1, count)).transpose(0, 1)
    return functional.avg_pool2d(read, samples)


SYSTEMS = {"detector": detector}
