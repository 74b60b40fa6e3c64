"""Networks that Tests/ONNX/exports writes as ONNX files: by name, with weights made up so that values neither vanish nor
grow. Needs torch, torchvision and timm."""
import math

import torch
import torch.nn.functional as F
from torch import nn

TORCHVISION = """
alexnet convnext_tiny convnext_small convnext_base convnext_large densenet121 densenet161 densenet169 densenet201
efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 efficientnet_b5 efficientnet_b6
efficientnet_b7 efficientnet_v2_s efficientnet_v2_m efficientnet_v2_l googlenet inception_v3 mnasnet0_5 mnasnet0_75
mnasnet1_0 mnasnet1_3 mobilenet_v2 mobilenet_v3_small mobilenet_v3_large regnet_x_400mf regnet_x_800mf regnet_x_1_6gf
regnet_x_3_2gf regnet_x_8gf regnet_x_16gf regnet_x_32gf regnet_y_400mf regnet_y_800mf regnet_y_1_6gf regnet_y_3_2gf
regnet_y_8gf regnet_y_16gf regnet_y_32gf regnet_y_128gf resnet18 resnet34 resnet50 resnet101 resnet152 resnext50_32x4d
resnext101_32x8d resnext101_64x4d shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5 shufflenet_v2_x2_0
squeezenet1_0 squeezenet1_1 vgg11 vgg11_bn vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn wide_resnet50_2
wide_resnet101_2
""".split()

SEGMENTATION = """
fcn_resnet50 fcn_resnet101 deeplabv3_resnet50 deeplabv3_resnet101 deeplabv3_mobilenet_v3_large
lraspp_mobilenet_v3_large
""".split()

DETECTION = ["ssdlite320_mobilenet_v3_large"]

TIMM = """
gcresnext26ts convmixer_768_32 convnext_atto convnextv2_atto cspdarknet53 cspresnet50 darknet53 dla34 dm_nfnet_f0
dpn48b eca_resnext26ts ecaresnet26t edgenext_xx_small efficientnetv2_rw_t ese_vovnet19b_dw fasternet_t0 fbnetc_100
gernet_s ghostnet_100 ghostnetv2_100 hardcorenas_a hgnet_tiny hgnetv2_b0 hrnet_w18_small inception_next_atto
inception_resnet_v2 inception_v4 lcnet_050 legacy_xception mambaout_femto mixnet_s mobilenetv3_small_100
mobileone_s0 nasnetalarge nf_regnet_b0 pnasnet5large poolformer_s12 rdnet_tiny regnetz_b16 repghostnet_050
repvgg_a0 repvit_m0_9 res2net50_26w_4s resnest14d resnet18d resnetv2_50 rexnet_100 selecsls42b seresnext26d_32x4d
skresnet18 starnet_s1 tf_efficientnet_lite0 tinynet_e vgg11_bn.timm xception41
""".split()

OWN = ["yolov8n", "unet", "unet_bilinear", "unet_aligned"]

ALL = TORCHVISION + SEGMENTATION + DETECTION + TIMM + OWN

# Fully connected layers, and pools to a map that the exporters cannot write for another size, set the image's.
SIZES = {"alexnet": 224, "inception_v3": 128, "googlenet": 96, "ssdlite320_mobilenet_v3_large": 320, "nasnetalarge": 128,
         "pnasnet5large": 128, "inception_v4": 128, "inception_resnet_v2": 128, "legacy_xception": 128, "xception41": 128,
         "yolov8n": 160, "vgg11_bn.timm": 224}

# Whose norms stand behind the activation, not before; what they give is added up.
NORMS_LAST = {"convmixer_768_32"}


def size_of(name):
    if name.startswith("vgg"):
        return 224
    return SIZES.get(name, 96)


def made(name):
    """A network in evaluation mode with made-up weights."""
    import timm
    import torchvision

    torch.manual_seed(1)
    if name in OWN:
        model = {"yolov8n": YOLO, "unet": UNet, "unet_bilinear": lambda: UNet("bilinear"),
                 "unet_aligned": lambda: UNet("aligned")}[name]()
    elif name in TIMM:
        model = timm.create_model(name.removesuffix(".timm"), pretrained=False)
    elif name in SEGMENTATION:
        model = Outputs(getattr(torchvision.models.segmentation, name)(weights=None, weights_backbone=None), ["out"])
    elif name in DETECTION:
        model = Heads(getattr(torchvision.models.detection, name)(weights=None, weights_backbone=None))
    else:
        keywords = {}
        if name in ("googlenet", "inception_v3"):
            keywords = dict(aux_logits=False, init_weights=False, transform_input=False)
        model = getattr(torchvision.models, name)(weights=None, **keywords)
    condition(model, size_of(name), name in NORMS_LAST)
    return model.eval()


def condition(model, size, norms_last):
    """Random weights that keep values near one, and norms that know the values they see."""
    random = torch.Generator().manual_seed(7)
    norms = []
    for part in model.modules():
        if isinstance(part, (nn.Conv2d, nn.Conv1d, nn.ConvTranspose2d, nn.Linear)):
            gain = math.sqrt(1.6 / part.weight[0].numel())
            part.weight.data = torch.randn(part.weight.shape, generator=random) * gain
            if part.bias is not None:
                part.bias.data = torch.randn(part.bias.shape, generator=random) * 0.1
        elif isinstance(part, nn.BatchNorm2d):
            if part.weight is not None:
                part.weight.data = (torch.rand(part.num_features, generator=random) * 0.5 + 0.6) * (0.3 if norms_last else 1)
                # Most values pass the ReLU behind: were it half of them, what is rounded would double every few layers.
                part.bias.data = torch.randn(part.num_features, generator=random) * 0.1 + (0 if norms_last else 0.5)
            part.momentum = 1.0
            norms.append(part)
        elif isinstance(part, nn.LayerNorm) and part.weight is not None:
            part.weight.data = torch.rand(part.weight.shape, generator=random) * 0.5 + 0.6
            part.bias.data = torch.randn(part.bias.shape, generator=random) * 0.1
    for name, parameter in model.named_parameters():
        if "layer_scale" in name or name.endswith("gamma"):
            parameter.data = torch.rand(parameter.shape, generator=random) * 0.5 + 0.5
    model.eval()
    for norm in norms:
        norm.train()
    with torch.no_grad():
        if norms:
            model(torch.randn(8, 3, size, size, generator=random))
    model.eval()


class Outputs(nn.Module):
    """The values of a network's dictionary."""

    def __init__(self, model, keys):
        super().__init__()
        self.model, self.keys = model, keys

    def forward(self, x):
        answer = self.model(x)
        return tuple(answer[key] for key in self.keys)


class Heads(nn.Module):
    """A detector up to its heads: what comes behind is a loop over the boxes."""

    def __init__(self, model):
        super().__init__()
        self.backbone, self.head = model.backbone, model.head

    def forward(self, x):
        answer = self.head(list(self.backbone(x).values()))
        return answer["bbox_regression"], answer["cls_logits"]


def conv(inputs, outputs, kernel=1, stride=1):
    """As YOLOv8 has it: a convolution, its norm and SiLU."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
                         nn.BatchNorm2d(outputs, eps=1e-3), nn.SiLU())


class C2f(nn.Module):
    def __init__(self, inputs, outputs, depth, shortcut):
        super().__init__()
        half = outputs // 2
        self.first, self.last = conv(inputs, outputs), conv((2 + depth) * half, outputs)
        self.blocks = nn.ModuleList(nn.Sequential(conv(half, half, 3), conv(half, half, 3)) for _ in range(depth))
        self.shortcut = shortcut

    def forward(self, x):
        parts = list(self.first(x).chunk(2, 1))
        for block in self.blocks:
            parts.append(parts[-1] + block(parts[-1]) if self.shortcut else block(parts[-1]))
        return self.last(torch.cat(parts, 1))


class SPPF(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first, self.last = conv(channels, channels // 2), conv(channels * 2, channels)
        self.pool = nn.MaxPool2d(5, 1, 2)

    def forward(self, x):
        parts = [self.first(x)]
        for _ in range(3):
            parts.append(self.pool(parts[-1]))
        return self.last(torch.cat(parts, 1))


class YOLO(nn.Module):
    """A detector of the shape of YOLOv8n: the same layers, widths and strides, 80 classes, boxes decoded."""

    def __init__(self, classes=80):
        super().__init__()
        self.p3 = nn.Sequential(conv(3, 16, 3, 2), conv(16, 32, 3, 2), C2f(32, 32, 1, True), conv(32, 64, 3, 2),
                                C2f(64, 64, 2, True))
        self.p4 = nn.Sequential(conv(64, 128, 3, 2), C2f(128, 128, 2, True))
        self.p5 = nn.Sequential(conv(128, 256, 3, 2), C2f(256, 256, 1, True), SPPF(256))
        self.up4, self.up3 = C2f(384, 128, 1, False), C2f(192, 64, 1, False)
        self.down3, self.out4 = conv(64, 64, 3, 2), C2f(192, 128, 1, False)
        self.down4, self.out5 = conv(128, 128, 3, 2), C2f(384, 256, 1, False)
        widths = [64, 128, 256]
        self.boxes = nn.ModuleList(
            nn.Sequential(conv(c, 64, 3), conv(64, 64, 3), nn.Conv2d(64, 64, 1)) for c in widths)
        self.classes = nn.ModuleList(
            nn.Sequential(conv(c, 80, 3), conv(80, 80, 3), nn.Conv2d(80, classes, 1)) for c in widths)
        self.count = classes

    def forward(self, x):
        p3 = self.p3(x)
        p4 = self.p4(p3)
        p5 = self.p5(p4)
        p4 = self.up4(torch.cat([F.interpolate(p5, scale_factor=2.0, mode="nearest"), p4], 1))
        p3 = self.up3(torch.cat([F.interpolate(p4, scale_factor=2.0, mode="nearest"), p3], 1))
        p4 = self.out4(torch.cat([self.down3(p3), p4], 1))
        p5 = self.out5(torch.cat([self.down4(p4), p5], 1))
        maps = [torch.cat([box(p), classes(p)], 1)
                for p, box, classes in zip((p3, p4, p5), self.boxes, self.classes)]
        anchors, strides = [], []
        for p, stride in zip(maps, (8, 16, 32)):
            height, width = p.shape[2:]
            y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
            anchors.append(torch.stack([x, y], -1).reshape(-1, 2))
            strides.append(torch.full((height * width, 1), float(stride)))
        anchors, strides = torch.cat(anchors).T, torch.cat(strides).T
        flat = torch.cat([p.reshape(p.shape[0], 64 + self.count, -1) for p in maps], 2)
        box, scores = flat.split((64, self.count), 1)
        bins = box.view(box.shape[0], 4, 16, -1).transpose(2, 1).softmax(1)
        sides = (bins * torch.arange(16.0).view(1, 16, 1, 1)).sum(1)
        first, last = anchors - sides[:, :2], anchors + sides[:, 2:]
        return torch.cat([(first + last) / 2 * strides, (last - first) * strides, scores.sigmoid()], 1)


class UNet(nn.Module):
    """U-Net (Ronneberger et al. 2015) with norms and padding, its upward path by transposed convolutions or interpolation."""

    def __init__(self, up="transposed", widths=(32, 64, 128, 256), classes=3):
        super().__init__()

        def double(inputs, outputs):
            return nn.Sequential(
                nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(),
                nn.Conv2d(outputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU())

        self.down = nn.ModuleList(double(a, b) for a, b in zip((3,) + widths[:-1], widths))
        self.pool = nn.MaxPool2d(2)
        pairs = list(zip(widths[::-1][:-1], widths[::-1][1:]))
        if up == "transposed":
            self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, 2) for a, b in pairs)
        else:
            self.up = nn.ModuleList(
                nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=up == "aligned"),
                              nn.Conv2d(a, b, 1)) for a, b in pairs)
        self.join = nn.ModuleList(double(2 * b, b) for a, b in pairs)
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x):
        maps = []
        for down in self.down:
            maps.append(down(self.pool(maps[-1]) if maps else x))
        y = maps.pop()
        for up, join in zip(self.up, self.join):
            y = join(torch.cat([maps.pop(), up(y)], 1))
        return self.head(y)
