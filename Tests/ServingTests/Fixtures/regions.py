"""Writes regions.safetensors beside this file: what an R-CNN's classifiers make of features, by PyTorch and torchvision.

    python3 regions.py

Features of 60 regions of a picture of 200 x 150 pixels meet the SVMs and box regressions of three classes. Each class is thinned
out by `torchvision.ops.nms` at 0.3; what is kept is moved as Girshick et al. 2014, Appendix C, has it, and cut at the picture's
sides. `found` has a row for each object, the best first: class, score, xmin, ymin, xmax, ymax.
"""

import pathlib

import torch
from safetensors.torch import save_file
from torchvision.ops import nms

WIDTH, HEIGHT, REGIONS, FEATURES, CLASSES = 200, 150, 60, 84, 3
THRESHOLD, OVERLAP = 0.5, 0.3

torch.manual_seed(19)
corners = torch.rand(REGIONS, 2) * torch.tensor([WIDTH - 60.0, HEIGHT - 60.0])
corners[REGIONS // 2 :] = corners[: REGIONS // 2] + torch.rand(REGIONS - REGIONS // 2, 2) * 8  # neighbours that overlap
sizes = 20 + torch.rand(REGIONS, 2) * 40
regions = torch.cat([corners, corners + sizes], 1).round()
regions[:, 0::2] = regions[:, 0::2].clamp(0, WIDTH)
regions[:, 1::2] = regions[:, 1::2].clamp(0, HEIGHT)
features = torch.randn(REGIONS, FEATURES)
svm = torch.nn.Linear(FEATURES, CLASSES).requires_grad_(False)
box = torch.nn.Linear(FEATURES, 4 * CLASSES).requires_grad_(False)
svm.weight *= 3
box.weight *= 0.5

margins, offsets = svm(features).double(), box(features).double().view(REGIONS, CLASSES, 4)
scores = torch.sigmoid(margins)
found = []
for index in range(CLASSES):
    candidates = (scores[:, index] >= THRESHOLD).nonzero()[:, 0]
    kept = candidates[nms(regions[candidates].double(), scores[candidates, index], OVERLAP)]
    left, top, right, bottom = regions[kept].double().T
    dx, dy, dw, dh = offsets[kept, index].T
    x, y = (left + right) / 2 + (right - left) * dx, (top + bottom) / 2 + (bottom - top) * dy
    width, height = (right - left) * dw.exp(), (bottom - top) * dh.exp()
    boxes = [(x - width / 2).clamp(min=0), (y - height / 2).clamp(min=0)]
    boxes += [(x + width / 2).clamp(max=WIDTH), (y + height / 2).clamp(max=HEIGHT)]
    found.append(torch.stack([torch.full_like(dx, index), scores[kept, index], *boxes], 1))
found = torch.cat(found)
found = found[found[:, 1].argsort(descending=True)]
print(f"{len(found)} objects, {len(found) / CLASSES:.1f} a class")
save_file(
    {
        "features": features, "regions": regions, "found": found.float().contiguous(),
        "svm.weight": svm.weight, "svm.bias": svm.bias, "box.weight": box.weight, "box.bias": box.bias,
    },
    str(pathlib.Path(__file__).parent / "regions.safetensors"),
)
