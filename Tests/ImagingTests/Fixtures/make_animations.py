"""Writes the fixtures of animated GIFs, and the checksums of their frames as they are seen.

    python make_animations.py     # needs Pillow 13, numpy; rewrites animations/ and animations.json

What is seen is drawn here from what each frame says of itself, pixel by pixel. Where that clears nothing, it is what Pillow
makes of the frames too, which is checked.
"""
import io, json, pathlib, shutil, struct, zlib

import numpy as np
from PIL import Image

from make_format_fixtures import blocks, lzw

HERE = pathlib.Path(__file__).parent
FILES = HERE / "animations"
rng = np.random.default_rng(20261128)
cases = []


def palette(colours=16):
    return rng.integers(0, 256, (colours, 3), dtype=np.uint8)


def control(disposal, transparent):
    flags = disposal << 2 | (transparent is not None)
    return b"!\xf9\4" + struct.pack("<BHBB", flags, 5, transparent or 0, 0)


def file(screen, colours, frames):
    """A GIF; a frame is `{pixels, at, disposal, transparent, local, interlaced}`, all but the first optional."""
    out = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80 | len(colours).bit_length() - 2, 3, 0) + colours.tobytes()
    out += b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0"
    for frame in frames:
        pixels, local = frame["pixels"], frame.get("local")
        height, width = pixels.shape
        flags = (0x80 | len(local).bit_length() - 2 if local is not None else 0) | (0x40 if frame.get("interlaced") else 0)
        rows = list(range(height))
        if frame.get("interlaced"):
            rows = [y for first, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for y in range(first, height, step)]
        out += control(frame.get("disposal", 0), frame.get("transparent"))
        out += b"," + struct.pack("<HHHHB", *frame.get("at", (0, 0)), width, height, flags)
        out += local.tobytes() if local is not None else b""
        indices = [int(i) for y in rows for i in pixels[y]]
        out += bytes([4]) + blocks(lzw(indices, 4) if indices else b"")
    return out + b";"


def seen(screen, colours, frames):
    """The frames as they are seen, one array each."""
    first = frames[0]
    own = first.get("local", colours)
    background = own[first.get("transparent") or 0]
    canvas = np.broadcast_to(background, (screen[1], screen[0], 3)).copy()
    for number, frame in enumerate(frames):
        before = canvas.copy()
        (left, top), own = frame.get("at", (0, 0)), frame.get("local", colours)
        for y, row in enumerate(frame["pixels"]):
            for x, index in enumerate(row):
                inside = top + y < screen[1] and left + x < screen[0]
                if inside and (number == 0 or index != frame.get("transparent")):
                    canvas[top + y, left + x] = own[index]
        yield canvas.copy()
        disposal = frame.get("disposal", 0)
        height, width = frame["pixels"].shape
        if disposal == 2 or (disposal == 3 and number == 0):
            canvas[top : top + height, left : left + width] = background
        elif disposal == 3:
            canvas = before


def keep(name, screen, colours, frames, like_pillow=True):
    data = file(screen, colours, frames)
    (FILES / name).write_bytes(data)
    pictures = list(seen(screen, colours, frames))
    if like_pillow:
        image = Image.open(io.BytesIO(data))
        for number, picture in enumerate(pictures):
            image.seek(number)
            assert np.array_equal(np.asarray(image.convert("RGB")), picture), (name, number)
    cases.append({"file": name, "width": screen[0], "height": screen[1], "frames": [zlib.crc32(p.tobytes()) for p in pictures]})


def animations():
    def part(width, height, **more):
        return {"pixels": rng.integers(0, 16, (height, width)), **more}

    def frames(count, **more):
        return [part(21, 13), *(part(21, 13, **more) for _ in range(count - 1))]

    screen = (21, 13)
    keep("whole.gif", screen, palette(), frames(4))
    keep("parts.gif", screen, palette(), [part(21, 13), part(5, 7, at=(3, 2)), part(9, 4, at=(12, 9)), part(1, 1, at=(20, 12))])
    keep("see-through.gif", screen, palette(), [part(21, 13), *(part(21, 13, transparent=t) for t in (3, 0, 15))])
    keep("palettes.gif", screen, palette(), [part(21, 13, local=palette()), part(21, 13), part(8, 8, local=palette(), at=(4, 4))])
    keep("interlaced.gif", screen, palette(), [part(21, 13), part(11, 10, at=(2, 3), interlaced=True, transparent=5)])
    keep("restored.gif", screen, palette(), [part(21, 13, disposal=1), part(6, 6, at=(2, 2), disposal=3), part(6, 6, at=(9, 5), disposal=3),
                                             part(3, 3, at=(0, 0))])
    keep("cleared.gif", screen, palette(), [part(21, 13, disposal=2), part(6, 6, at=(2, 2), disposal=2), part(6, 6, at=(9, 5)), part(2, 2)], False)
    keep("restored-first.gif", screen, palette(), [part(9, 9, at=(1, 1), disposal=3, transparent=4), part(6, 6, at=(2, 2))], False)
    keep("screen-larger.gif", (30, 20), palette(), [part(21, 13, at=(4, 5), transparent=9), part(9, 9, at=(0, 0), transparent=2)], False)
    keep("beyond.gif", screen, palette(), [part(21, 13), part(12, 12, at=(15, 8)), part(4, 4, at=(30, 30))], False)
    keep("empty-frame.gif", screen, palette(), [part(21, 13), {"pixels": np.zeros((0, 5), int)}, part(4, 4)], False)
    image = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)).quantize(32)
    later = []
    for step in range(1, 6):
        moved = image.copy()
        moved.paste(3, (step, step, step + 5, step + 4))
        later.append(moved)
    out = io.BytesIO()
    image.save(out, "GIF", save_all=True, append_images=later, duration=100, loop=0)
    (FILES / "pillow.gif").write_bytes(out.getvalue())
    whole = Image.open(io.BytesIO(out.getvalue()))
    sums = []
    for number in range(whole.n_frames):
        whole.seek(number)
        sums.append(zlib.crc32(whole.convert("RGB").tobytes()))
    cases.append({"file": "pillow.gif", "width": 32, "height": 24, "frames": sums})


if __name__ == "__main__":
    shutil.rmtree(FILES, ignore_errors=True)
    FILES.mkdir()
    animations()
    lines = ",\n".join(json.dumps(case) for case in cases)
    (HERE / "animations.json").write_text(f"[\n{lines}\n]\n")
    print(len(cases), "cases", sum(f.stat().st_size for f in FILES.iterdir()), "bytes")
