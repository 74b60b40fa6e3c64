"""Writes the fixtures of metadata, odd PNG files, WebP, GIF and BMP, and the checksums of what Pillow makes of them.

    python make_format_fixtures.py     # needs Pillow 13, numpy; rewrites formats/ and formats.json

Each case has the size and the CRC-32 of the pixels of `ImageOps.exif_transpose(image).convert("RGB")` and `("L")`.
"""
import io, json, pathlib, shutil, struct, warnings, zlib

import numpy as np
from PIL import Image, ImageOps

warnings.simplefilter("ignore")
HERE = pathlib.Path(__file__).parent
FILES = HERE / "formats"
rng = np.random.default_rng(20261127)
cases = []


def keep(name, data, like=None):
    """Records a file; `like` is an image to expect where Pillow reads none."""
    (FILES / name).write_bytes(data)
    image = like or ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    case = {"file": name, "width": image.width, "height": image.height}
    case |= {key: zlib.crc32(image.convert(mode).tobytes()) for key, mode in (("rgb", "RGB"), ("gray", "L"))}
    cases.append(case)


def picture(width, height, channels=3):
    y, x = np.mgrid[0:height, 0:width]
    planes = [x * (7 + 3 * c) + y * (11 - 4 * c) + (x * y >> c) for c in range(channels)]
    noise = rng.integers(0, 40, (height, width, channels))
    return ((np.stack(planes, -1) + noise) % 256).astype(np.uint8)


# Orientation


def tiff(entries, order="<", head=None, tail=b""):
    """A directory of (tag, type, count, value bytes); values of more than four bytes lie behind it."""
    head = head or (b"II*\0" if order == "<" else b"MM\0*")
    out, rest = struct.pack(order + "H", len(entries)), b""
    behind = 8 + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in entries:
        if isinstance(value, int):  # where the value lies
            value = struct.pack(order + "I", value)
        elif len(value) > 4:
            rest += value
            value = struct.pack(order + "I", behind + len(rest) - len(value))
        out += struct.pack(order + "HHI", tag, kind, count) + value.ljust(4, b"\0")
    return head + struct.pack(order + "I", 8) + out + bytes(4) + rest + tail


def short(value, order="<"):
    return (0x0112, 3, 1, struct.pack(order + "H", value))


def exif_blocks():
    le, make = "<", (0x010F, 2, 8, b"Martlet\0")
    yield "plain", tiff([short(6)])
    yield "big", tiff([short(6, ">")], ">")
    yield "swapped-ii", tiff([short(6)], head=b"II\0*")
    yield "swapped-mm", tiff([short(8, ">")], ">", head=b"MM*\0")
    yield "marker-twice", b"Exif\0\0" + tiff([short(6)])
    yield "zero", tiff([short(0)])
    yield "nine", tiff([short(9)])
    yield "two-values", tiff([(0x0112, 3, 2, struct.pack("<HH", 6, 3))])
    yield "three-values", tiff([(0x0112, 3, 3, struct.pack("<HHH", 5, 3, 2))])
    yield "no-value", tiff([(0x0112, 3, 0, b"")])
    yield "again", tiff([short(6), short(3)])
    for kind, name, value in (
        (1, "byte", b"\6"), (2, "ascii", b"6\0"), (4, "long", struct.pack("<I", 6)), (5, "rational", struct.pack("<II", 12, 2)),
        (6, "sbyte", b"\6"), (7, "undefined", b"\6"), (8, "sshort", struct.pack("<h", 6)), (9, "slong", struct.pack("<i", 6)),
        (10, "srational", struct.pack("<ii", -12, -2)), (11, "float", struct.pack("<f", 6)), (12, "double", struct.pack("<d", 6)),
        (13, "ifd", struct.pack("<I", 6)), (16, "long8", struct.pack("<Q", 6)), (0, "type0", b"\6"), (99, "type99", b"\6"),
    ):
        yield f"type-{name}", tiff([(0x0112, kind, 1, value)])
    yield "rational-half", tiff([(0x0112, 5, 1, struct.pack("<II", 13, 2))])
    yield "rational-zero", tiff([(0x0112, 5, 1, struct.pack("<II", 6, 0))])
    yield "float-half", tiff([(0x0112, 11, 1, struct.pack("<f", 6.5))])
    yield "behind-text", tiff([make, short(6)])
    yield "behind-lost-text", tiff([(0x010F, 2, 20, 40), short(6)], tail=bytes(9))  # Make ends outside
    yield "behind-huge-text", tiff([(0x010F, 2, 100000, 40), short(6)])
    yield "behind-lost-text-after", tiff([short(6), (0x0131, 2, 20, 40)])
    yield "unsorted", tiff([(0x0132, 2, 4, b"now\0"), short(7)])
    yield "cut", tiff([(0x0100, 3, 1, b"\1\0"), short(6)])[:8 + 2 + 12 + 6]
    yield "directory-outside", b"II*\0\xff\xff\0\0"
    yield "more-entries", tiff([short(6)])[:8] + b"\xff\xff" + tiff([short(6)])[10:]


def jpeg(array, segments=(), **options):
    out = io.BytesIO()
    Image.fromarray(array).save(out, "JPEG", quality=80, **options)
    data = out.getvalue()
    return data[:2] + b"".join(segment(*pair) for pair in segments) + data[2:]


def segment(code, contents):
    return bytes([0xFF, code]) + struct.pack(">H", len(contents) + 2) + contents


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(array, before=(), after=(), idat=None):
    height, width, channels = array.shape
    raw = b"".join(b"\0" + row.tobytes() for row in array)
    head = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2}[channels], 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(raw)) if idat is None else idat
    parts = [chunk(b"IHDR", head), *(chunk(*c) for c in before), data, *(chunk(*c) for c in after), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def packet(value, form="attribute"):
    field = f'tiff:Orientation="{value}"' if form == "attribute" else ""
    element = f"<tiff:Orientation>{value}</tiff:Orientation>" if form == "element" else ""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        f'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" {field}>{element}</rdf:Description></rdf:RDF></x:xmpmeta>'
        '<?xpacket end="w"?>'
    ).encode()


XMP = b"XML:com.adobe.xmp"
ADOBE = b"http://ns.adobe.com/xap/1.0/\0"


def itxt(text, compressed=False, keyword=XMP):
    return (b"iTXt", keyword + (b"\0\1\0\0\0" + zlib.compress(text) if compressed else b"\0\0\0\0\0" + text))


def profile(block, kind=b"exif"):
    lines = block.hex()
    digits = "\n".join(lines[i : i + 72] for i in range(0, len(lines), 72))
    return b"\n" + kind + b"\n" + f"{len(block):8}".encode() + b"\n" + digits.encode() + b"\n"


def orientations():
    array = picture(13, 8)
    for name, block in exif_blocks():
        keep(f"exif-{name}.jpg", jpeg(array, [(0xE1, b"Exif\0\0" + block)]))
        keep(f"exif-{name}.png", png(array, [(b"eXIf", block)]))
    plain = tiff([short(6)])
    for value in (1, 2, 3, 4, 5, 6, 7, 8, 0, 9):
        keep(f"xmp-{value}.jpg", jpeg(array, [(0xE1, ADOBE + packet(value))]))
    keep("xmp-element.jpg", jpeg(array, [(0xE1, ADOBE + packet(8, "element"))]))
    keep("xmp-twice.jpg", jpeg(array, [(0xE1, ADOBE + packet(3)), (0xE1, ADOBE + packet(6))]))
    keep("xmp-two-in-one.jpg", jpeg(array, [(0xE1, ADOBE + packet("no") + packet(7))]))
    keep("xmp-and-exif.jpg", jpeg(array, [(0xE1, ADOBE + packet(3)), (0xE1, b"Exif\0\0" + plain)]))
    keep("xmp-and-exif-without.jpg", jpeg(array, [(0xE1, b"Exif\0\0" + tiff([])), (0xE1, ADOBE + packet(3))]))
    keep("xmp-and-exif-zero.jpg", jpeg(array, [(0xE1, b"Exif\0\0" + tiff([short(0)])), (0xE1, ADOBE + packet(3))]))
    keep("xmp-and-exif-empty.jpg", jpeg(array, [(0xE1, b"Exif\0\0"), (0xE1, ADOBE + packet(3))]))
    keep("exif-two-segments.jpg", jpeg(array, [(0xE1, b"Exif\0\0" + plain[:12]), (0xE1, b"Exif\0\0" + plain[12:])]))
    keep("exif-behind-dqt.jpg", (lambda d: d[:20] + d[20:].replace(b"\xff\xc0", segment(0xE1, b"Exif\0\0" + plain) + b"\xff\xc0", 1))(jpeg(array)))
    keep("xmp-attribute.png", png(array, [itxt(packet(6))]))
    keep("xmp-element.png", png(array, [itxt(packet(5, "element"))]))
    keep("xmp-deflated.png", png(array, [itxt(packet(6), True)]))
    keep("xmp-after.png", png(array, after=[itxt(packet(8))]))
    keep("xmp-deflated-after.png", png(array, after=[itxt(packet(7), True)]))
    keep("xmp-text.png", png(array, [(b"tEXt", XMP + b"\0" + packet(6))]))
    keep("xmp-ztxt.png", png(array, [(b"zTXt", XMP + b"\0\0" + zlib.compress(packet(6)))]))
    keep("xmp-twice.png", png(array, [itxt(packet(3))], [itxt(packet(6))]))
    keep("xmp-and-exif.png", png(array, [itxt(packet(3))], [(b"eXIf", plain)]))
    keep("xmp-not-utf8.png", png(array, [itxt(b"\xff\xfe" + packet(6))]))
    keep("xmp-damaged.png", png(array, [(b"iTXt", XMP + b"\0\1\0\0\0" + b"no zlib stream")]))
    keep("xmp-other-keyword.png", png(array, [(b"tEXt", b"Comment\0" + packet(6))]))
    raw = b"Raw profile type exif"
    keep("profile-ztxt.png", png(array, [(b"zTXt", raw + b"\0\0" + zlib.compress(profile(b"Exif\0\0" + plain)))]))
    keep("profile-text.png", png(array, [(b"tEXt", raw + b"\0" + profile(b"Exif\0\0" + plain))]))
    keep("profile-itxt.png", png(array, [itxt(profile(plain), keyword=raw)]))
    keep("profile-itxt-deflated.png", png(array, [itxt(profile(plain), True, keyword=raw)]))
    keep("profile-after.png", png(array, after=[(b"zTXt", raw + b"\0\0" + zlib.compress(profile(tiff([short(5)]))))]))
    keep("profile-spaces.png", png(array, [(b"tEXt", raw + b"\0" + profile(plain).replace(b"4949", b"49 49 "))]))
    keep("profile-upper.png", png(array, [(b"tEXt", raw + b"\0\nexif\n 26\n" + plain.hex().upper().encode())]))
    keep("profile-long.png", png(array, [(b"zTXt", raw + b"\0\0" + zlib.compress(profile(plain + bytes(3000))))]))
    keep("profile-app1.png", png(array, [(b"tEXt", b"Raw profile type APP1\0" + profile(b"Exif\0\0" + plain, b"app1"))]))
    keep("profile-and-exif.png", png(array, [(b"tEXt", raw + b"\0" + profile(tiff([short(3)]))), (b"eXIf", plain)]))
    keep("profile-and-xmp.png", png(array, [(b"tEXt", raw + b"\0" + profile(tiff([]))), itxt(packet(8))]))
    keep("exif-twice.png", png(array, [(b"eXIf", tiff([short(3)])), (b"eXIf", plain)]))
    keep("exif-after.png", png(array, after=[(b"eXIf", plain)]))
    keep("exif-text.png", png(array, [(b"tEXt", b"exif\0" + plain)]))


# PNG files that are not quite right


def odd_pngs():
    noise = picture(120, 23)
    array = np.concatenate([noise] * 4)[:90]  # repetitions at a distance of 8303 bytes
    raw = b"".join(b"\0" + row.tobytes() for row in array)
    stream = zlib.compress(raw, 9)
    for window in range(8):
        cmf = window << 4 | 8
        head = bytes([cmf, 31 - (cmf << 8) % 31])
        keep(f"png-window-{256 << window}.png", png(array, idat=chunk(b"IDAT", head + stream[2:])))
    small = picture(41, 27)
    stream = zlib.compress(b"".join(b"\0" + row.tobytes() for row in small))
    wrong = lambda data: struct.pack(">I", len(data)) + b"IDAT" + data + b"\1\2\3\4"
    keep("png-crc.png", png(small, idat=wrong(stream)))
    keep("png-crc-first.png", png(small, idat=wrong(stream[:900]) + chunk(b"IDAT", stream[900:])))
    keep("png-crc-every.png", png(small, idat=wrong(stream[:70]) + wrong(stream[70:900]) + wrong(stream[900:])))
    for cut in range(1, 5):
        keep(f"png-adler-minus-{cut}.png", png(small, idat=chunk(b"IDAT", stream[:-cut])))
    like = Image.fromarray(small)
    keep("png-adler-wrong.png", png(small, idat=chunk(b"IDAT", stream[:-4] + b"\1\2\3\4")), like)
    keep("png-adler-missing-then-text.png", png(small, idat=chunk(b"IDAT", stream[:-4]), after=[(b"tEXt", b"a\0b")]))
    keep("png-stray-data.png", png(small, idat=chunk(b"IDAT", stream + b"stray")))
    keep("png-empty-idat.png", png(small, idat=chunk(b"IDAT", b"") + chunk(b"IDAT", stream) + chunk(b"IDAT", b"")))
    keep("png-window-crc.png", png(small, idat=wrong(b"\x08\x1d" + stream[2:-4])))


if __name__ == "__main__":
    shutil.rmtree(FILES, ignore_errors=True)
    FILES.mkdir()
    orientations()
    odd_pngs()
    lines = ",\n".join(json.dumps(case) for case in cases)
    (HERE / "formats.json").write_text(f"[\n{lines}\n]\n")
    print(len(cases), "cases", sum(f.stat().st_size for f in FILES.iterdir()), "bytes")
