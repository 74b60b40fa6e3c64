"""Writes the image fixtures: small files, and what Pillow and torchvision make of them.

    python make_fixtures.py            # needs Pillow, torchvision, numpy; rewrites everything beside it

files/      the JPEG and PNG files
cases.json  the cases; `offset` and `count` point into expected.bin
expected.bin  raw pixels (bytes) and normalised values (little-endian float32)
"""
import io, json, math, pathlib, shutil, struct, zlib

import numpy as np
from PIL import Image, ImageOps
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

HERE = pathlib.Path(__file__).parent
FILES = HERE / "files"
rng = np.random.default_rng(20120930)
expected = bytearray()
cases = {"decode": [], "resize": [], "prepare": [], "hashed": []}


def keep(data: bytes) -> dict:
    """Appends to expected.bin."""
    offset = len(expected)
    expected.extend(data)
    return {"offset": offset, "count": len(data)}


def photograph(width, height, channels=3, noise=24):
    """Smooth colours, a few edges, some noise: what a photograph looks like to a codec."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    planes = []
    for c in range(channels):
        a, b, p = rng.uniform(0.02, 0.3, 3)
        plane = 128 + 70 * np.sin(a * x + c) + 50 * np.cos(b * y + p * x)
        plane[(x - width / 2) ** 2 + (y - height / 3) ** 2 < (min(width, height) / 4) ** 2] += 60 * (c - 1)
        planes.append(plane + rng.normal(0, noise, plane.shape))
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8).squeeze()


# Decoding


def decode_case(name, data, suffix, colors=("rgb", "gray"), pixels=None):
    """Records a file and what Pillow decodes it to; `pixels` (gray) overrides Pillow where we differ."""
    file = f"{name}.{suffix}"
    (FILES / file).write_bytes(data)
    image = Image.open(io.BytesIO(data))
    for color in colors:
        if pixels is None:
            upright = ImageOps.exif_transpose(image).convert("L" if color == "gray" else "RGB")
            array = np.asarray(upright)
        else:
            array = pixels if color == "gray" else np.repeat(pixels[..., None], 3, -1)
        height, width = array.shape[:2]
        cases["decode"].append(
            {"file": file, "color": color, "width": width, "height": height, **keep(array.tobytes())}
        )


def jpeg(array, mode=None, **options):
    out = io.BytesIO()
    Image.fromarray(array, mode).save(out, "JPEG", **{"quality": 85, **options})
    return out.getvalue()


def frame_header(data):
    """Where the SOF segment's precision byte is."""
    at = 2
    while data[at + 1] not in (0xC0, 0xC1, 0xC2):
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return at + 4


def resampled(data, width, height, luma):
    """Claims another size and luma sampling for the same blocks: Pillow cannot write 4:4:0 or 4:1:1."""
    data = bytearray(data)
    at = frame_header(data)
    data[at + 1 : at + 5] = struct.pack(">HH", height, width)
    data[at + 7] = luma
    return bytes(data)


def adobe_transform(data, value):
    """Sets the transform of the Adobe segment: 2 turns CMYK data into YCCK data."""
    data = bytearray(data)
    data[data.index(b"Adobe") + 11] = value
    return bytes(data)


def jpegs():
    for name, subsampling in (("444", 0), ("422", 1), ("420", 2)):
        for width, height in ((33, 27), (16, 16), (1, 1), (2, 5), (3, 4), (5, 1)):
            array = np.atleast_3d(photograph(width, height).reshape(height, width, 3))
            decode_case(f"jpeg-{name}-{width}x{height}", jpeg(array, subsampling=subsampling), "jpg")
        progressive = jpeg(photograph(35, 22), subsampling=subsampling, progressive=True)
        decode_case(f"jpeg-{name}-progressive", progressive, "jpg")
    decode_case("jpeg-440", resampled(jpeg(photograph(32, 16), subsampling=1), 15, 32, 0x12), "jpg")
    decode_case("jpeg-411", resampled(jpeg(photograph(32, 32), subsampling=2), 31, 30, 0x41), "jpg")
    decode_case("jpeg-low-quality", jpeg(photograph(40, 30), quality=5), "jpg")
    decode_case("jpeg-restarts", jpeg(photograph(40, 30), restart_marker_blocks=2), "jpg")
    decode_case("jpeg-optimized", jpeg(photograph(24, 24), optimize=True), "jpg")
    decode_case("jpeg-rgb", jpeg(photograph(25, 19), keep_rgb=True), "jpg")
    decode_case("jpeg-gray", jpeg(photograph(29, 21, 1)), "jpg")
    decode_case("jpeg-gray-progressive", jpeg(photograph(29, 21, 1), progressive=True), "jpg")
    cmyk = jpeg(photograph(23, 18, 4), "CMYK")
    decode_case("jpeg-cmyk", cmyk, "jpg")
    decode_case("jpeg-cmyk-progressive", jpeg(photograph(23, 18, 4), "CMYK", progressive=True), "jpg")
    decode_case("jpeg-ycck", adobe_transform(cmyk, 2), "jpg")
    stray = jpeg(photograph(20, 20))
    decode_case("jpeg-stray-bytes", stray[:-2] + b"stray" + stray[-2:] + b"after the end", "jpg")


def exif(orientation, order="<", value_type=3):
    head = b"II*\0" if order == "<" else b"MM\0*"
    value = struct.pack(order + ("HH" if value_type == 3 else "I"), *((orientation, 0) if value_type == 3 else (orientation,)))
    entries = struct.pack(order + "HHI", 0x0100, 3, 1) + struct.pack(order + "HH", 7, 0)
    entries += struct.pack(order + "HHI", 0x0112, value_type, 1) + value
    return head + struct.pack(order + "I", 8) + struct.pack(order + "H", 2) + entries + bytes(4)


def orientations():
    array = photograph(13, 8)
    for orientation in range(1, 9):
        block = b"Exif\0\0" + exif(orientation, "<" if orientation % 2 else ">")
        decode_case(f"exif-{orientation}", jpeg(array, exif=block), "jpg")
    for orientation in (3, 6):
        data = png(array, chunks=[(b"eXIf", exif(orientation, ">", 4))])
        decode_case(f"exif-{orientation}", data, "png")
    data = png(array, interlaced=True, chunks=[(b"eXIf", exif(5))])
    decode_case("exif-5-interlaced", data, "png")
    decode_case("exif-9", jpeg(array, exif=b"Exif\0\0" + exif(9)), "jpg")


# PNG, written by hand: every colour type, depth and interlacing, not only those Pillow writes


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def packed(rows, depth):
    """Rows of samples to bytes, the first sample in the high bits."""
    if depth == 16:
        return [row.astype(">u2").tobytes() for row in rows]
    if depth == 8:
        return [row.astype(np.uint8).tobytes() for row in rows]
    out = []
    for row in rows:
        bits = "".join(format(v, f"0{depth}b") for v in row)
        bits += "0" * (-len(bits) % 8)
        out.append(bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)))
    return out


def filtered(rows, step):
    """PNG's filters in turn, so that each is decoded."""
    out, before = bytearray(), None
    for number, row in enumerate(rows):
        before = before or bytes(len(row))
        kind = number % 5
        out.append(kind)
        for i, value in enumerate(row):
            a = row[i - step] if i >= step else 0
            b = before[i]
            c = before[i - step] if i >= step else 0
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            out.append((value - (0, a, b, (a + b) // 2, paeth)[kind]) & 255)
        before = row
    return bytes(out)


PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def png(samples, depth=8, color_type=None, interlaced=False, chunks=()):
    samples = samples if samples.ndim == 3 else samples[..., None]
    height, width, channels = samples.shape
    color_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels] if color_type is None else color_type
    step = max(1, channels * depth // 8)
    raw = b""
    for x0, y0, dx, dy in PASSES if interlaced else [(0, 0, 1, 1)]:
        part = samples[y0::dy, x0::dx]
        if part.size:
            raw += filtered(packed(part.reshape(part.shape[0], -1), depth), step)
    data = zlib.compress(raw)
    half = len(data) // 2
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, int(interlaced)))
        + b"".join(chunk(*pair) for pair in chunks)
        + chunk(b"IDAT", data[:half])
        + chunk(b"IDAT", data[half:])
        + chunk(b"IEND", b"")
    )


def pngs():
    for interlaced in (False, True):
        tail = "-interlaced" if interlaced else ""
        for depth in (1, 2, 4, 8):
            samples = rng.integers(0, 1 << depth, (11, 13))
            decode_case(f"png-gray{depth}{tail}", png(samples, depth, interlaced=interlaced), "png")
            palette = rng.integers(0, 256, 3 << depth, dtype=np.uint8).tobytes()
            alpha = rng.integers(0, 256, 1 << depth, dtype=np.uint8).tobytes()
            for name, chunks in (
                ("palette", [(b"PLTE", palette)]),
                ("palette-trns", [(b"PLTE", palette), (b"tRNS", alpha)]),
            ):
                data = png(samples, depth, 3, interlaced, chunks)
                decode_case(f"png-{name}{depth}{tail}", data, "png")
        samples = rng.integers(0, 1 << 16, (9, 14))
        data = png(samples, 16, interlaced=interlaced)
        decode_case(f"png-gray16{tail}", data, "png", pixels=(samples >> 8).astype(np.uint8))
        for name, channels in (("gray-alpha", 2), ("rgb", 3), ("rgba", 4)):
            for depth in (8, 16):
                samples = rng.integers(0, 1 << depth, (10, 9, channels))
                decode_case(f"png-{name}{depth}{tail}", png(samples, depth, interlaced=interlaced), "png")
    for width, height in ((1, 1), (1, 9), (9, 1), (2, 2), (4, 5), (5, 3)):
        samples = rng.integers(0, 256, (height, width, 3))
        decode_case(f"png-interlaced-{width}x{height}", png(samples, interlaced=True), "png")
    short = [(b"PLTE", bytes([10, 20, 30, 40, 50, 60]))]
    decode_case("png-palette-short", png(np.array([[0, 1, 2, 200]]), 8, 3, chunks=short), "png")
    trns = [(b"tRNS", bytes([0, 7]))]
    decode_case("png-gray8-trns", png(rng.integers(0, 9, (5, 6)), chunks=trns), "png")
    trns = [(b"tRNS", bytes([0, 1, 0, 2, 0, 3]))]
    decode_case("png-rgb8-trns", png(rng.integers(0, 9, (5, 6, 3)), chunks=trns), "png")
    gamma = [(b"gAMA", struct.pack(">I", 100000)), (b"tEXt", b"Comment\0not pixels")]
    decode_case("png-gamma", png(rng.integers(0, 256, (6, 7, 3)), chunks=gamma), "png")


# Resizing

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def resizes():
    sizes = {
        (37, 29): [(16, 16), (37, 11), (12, 29), (39, 31), (37, 29), (1, 1), (5, 64), (50, 9), (26, 6), (26, 7)],
        (1, 17): [(1, 5), (9, 30), (4, 1)],
        (19, 1): [(7, 1), (33, 3), (1, 4)],
    }
    for (width, height), targets in sizes.items():
        for channels in (1, 3):
            noisy = rng.integers(0, 2, (height, width, channels)) * 255 # the hardest overshoot
            smooth = photograph(width, height, channels).reshape(height, width, channels)
            for source in (smooth, noisy.astype(np.uint8)):
                at = keep(source.tobytes())
                for w, h in targets:
                    for name, method in FILTERS.items():
                        image = Image.fromarray(source.squeeze(-1) if channels == 1 else source)
                        out = np.asarray(image.resize((w, h), method))
                        cases["resize"].append(
                            {
                                "width": width, "height": height, "channels": channels, "source": at,
                                "toWidth": w, "toHeight": h, "interpolation": name, **keep(out.tobytes()),
                            }
                        )


# Preprocessing


def grid(image, crop):
    """5×5 positions at even distances, then those of the mirror image."""
    crops = []
    for side in (image, F.hflip(image)):
        free = side.height - crop[0], side.width - crop[1]
        crops += [F.crop(side, round(i * free[0] / 4), round(j * free[1] / 4), *crop) for i in range(5) for j in range(5)]
    return crops


def inception(image, crop, method):
    """Three squares along the longer side, of each five crops and the square shrunk, then those of the mirror image."""
    short, long = sorted(image.size)
    starts = [round(i * (long - short) / 2) for i in range(3)]

    def crops(image, shrink):
        places = [(0, s) if image.width > image.height else (s, 0) for s in starts]
        squares = [F.crop(image, *place, short, short) for place in places]
        return [c for square in squares for c in [*F.five_crop(square, crop), shrink(square)]]

    shrink = lambda square: F.resize(square, crop, method)
    return crops(image, shrink) + crops(F.hflip(image), lambda square: F.hflip(shrink(F.hflip(square))))


def prepared(image, settings, mode):
    """The crops of torchvision, normalised in double precision."""
    resize, pad, crop = settings.get("resize"), settings.get("pad", 0), settings.get("crop")
    method = InterpolationMode(settings.get("interpolation", "bilinear"))
    if isinstance(resize, int):
        image = F.resize(image, resize, method)
    elif resize is not None:
        image = image.resize((resize[1], resize[0]), FILTERS[settings.get("interpolation", "bilinear")])
    if pad:
        image = F.pad(image, pad)
    crop = crop or [image.height, image.width]
    if image.width < crop[1] or image.height < crop[0]:  # five_crop refuses these; center_crop pads
        image = F.center_crop(image, [max(crop[0], image.height), max(crop[1], image.width)])
    mirror = settings.get("mirror", True)
    center = F.center_crop(image, crop)
    if mode == "center" or mode == "mirror" and not mirror:
        crops = [center]
    elif mode == "mirror":
        crops = [center, F.hflip(center)]
    elif mode == "grid":
        crops = grid(image, crop)
    elif mode == "inception":
        crops = inception(image, crop, method)
    elif mode == "dense":
        crops = [image, F.hflip(image)]
    elif mode == "five" or not mirror:
        crops = list(F.five_crop(image, crop))
    else:
        crops = list(F.ten_crop(image, crop))
    planes = np.stack([np.atleast_3d(np.asarray(c)) for c in crops]).transpose(0, 3, 1, 2).astype(np.float64)
    if settings.get("color") == "bgr":
        planes = planes[:, ::-1]
    channels = planes.shape[1]
    mean = np.reshape(settings.get("mean", [0] * channels), (1, -1, 1, 1))
    std = np.reshape(settings.get("std", [1] * channels), (1, -1, 1, 1))
    return (planes * settings.get("scale", 1 / 255) - mean) / std


def preparations():
    imagenet = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    caffe = {"color": "bgr", "scale": 1, "mean": [104.0, 117.0, 123.0], "std": [1, 1, 1]}
    wide, tall = "jpeg-420-33x27.jpg", "exif-6.jpg"
    table = [
        (wide, {"resize": 12, "crop": [8, 8], **imagenet}, "center mirror five ten"),
        (wide, {"resize": 12, "crop": [9, 7], "interpolation": "bicubic", **imagenet}, "center mirror five ten"),
        (wide, {"resize": [11, 11], "crop": [8, 8], "interpolation": "lanczos", **caffe}, "center ten"),
        (wide, {"resize": [10, 14], **imagenet}, "center mirror"),
        (wide, {"resize": 9, "crop": [9, 9], "interpolation": "nearest"}, "center ten"),
        (wide, {"crop": [13, 12], **imagenet}, "center five"),
        (tall, {"resize": 10, "crop": [9, 8], **caffe}, "center ten"),
        (tall, {"resize": 8, "crop": [10, 9], **imagenet}, "center mirror five ten"),
        (tall, {"crop": [17, 15], "mirror": False, **imagenet}, "center mirror five ten"),
        (tall, {"resize": [5, 12], "crop": [5, 9], "interpolation": "bicubic", **imagenet}, "center ten"),
        (tall, {"pad": 2, "crop": [10, 8], **imagenet}, "center ten"),
        (tall, {"pad": 1, **imagenet}, "center mirror"),
        ("png-gray8.png", {"color": "gray", "resize": 9, "crop": [8, 8], "mean": [0.1307], "std": [0.3081]}, "ten"),
        ("png-rgba8.png", {"color": "gray", "pad": 3, "crop": [12, 12], "mirror": False, "mean": [0.5], "std": [0.5]}, "ten"),
        ("png-gray8.png", {"resize": 24, "crop": [6, 6], "interpolation": "bicubic", **imagenet}, "center"),
        (wide, {"resize": 12, "crop": [7, 7], **imagenet}, "grid inception:9,11 dense dense:9"),
        (wide, {"resize": 13, "crop": [10, 7], "interpolation": "bicubic", **imagenet}, "grid ten:13,17"),
        (tall, {"resize": 10, "crop": [8, 8], "interpolation": "bicubic", **imagenet}, "inception:8,10,13 dense"),
    ]
    for file, settings, modes in table:
        image = ImageOps.exif_transpose(Image.open(FILES / file))
        image = image.convert("L" if settings.get("color") == "gray" else "RGB")
        for mode in modes.split():
            mode, _, scales = mode.partition(":")
            scales = [int(scale) for scale in scales.split(",") if scale]
            values = np.concatenate(
                [prepared(image, {**settings, "resize": scale}, mode) for scale in scales]
                or [prepared(image, settings, mode)]
            )
            count, channels, height, width = values.shape
            cases["prepare"].append(
                {
                    "file": file, "crops": mode, **({"scales": scales} if scales else {}), "resultCount": count, "channels": channels,
                    "height": height, "width": width, "settings": settings,
                    **keep(values.astype("<f4").tobytes()),
                }
            )


# Larger images, where only a checksum of the pixels is kept


def hashed():
    y, x = np.mgrid[0:375, 0:500]
    base = np.stack([(x * 3 + y) % 256, (x + y * 2) % 256, (x * y // 64) % 256], -1).astype(np.uint8)
    base = np.clip(base + rng.normal(0, 6, base.shape), 0, 255).astype(np.uint8)
    for name, options in (("420", {}), ("420-progressive", {"progressive": True}), ("422", {"subsampling": 1})):
        file = f"large-{name}.jpg"
        (FILES / file).write_bytes(jpeg(base, quality=30, **options))
        image = Image.open(FILES / file).convert("RGB")
        entry = {"file": file, "pixels": zlib.crc32(image.tobytes()), "resized": {}}
        for interpolation in FILTERS:
            out = F.resize(image, 256, InterpolationMode(interpolation))
            entry["resized"][interpolation] = zlib.crc32(F.center_crop(out, 224).tobytes())
        cases["hashed"].append(entry)


if __name__ == "__main__":
    shutil.rmtree(FILES, ignore_errors=True)
    FILES.mkdir()
    jpegs()
    pngs()
    orientations()
    resizes()
    preparations()
    hashed()
    (HERE / "expected.bin").write_bytes(expected)
    lines = {k: "[\n" + ",\n".join(json.dumps(c) for c in v) + "\n]" for k, v in cases.items()}
    text = ",\n".join(f'"{k}": {v}' for k, v in lines.items())
    (HERE / "cases.json").write_text("{" + text + "}\n")
    total = sum(f.stat().st_size for f in HERE.rglob("*") if f.is_file())
    print({k: len(v) for k, v in cases.items()}, total, "bytes")
