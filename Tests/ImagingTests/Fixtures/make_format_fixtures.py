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


# WebP


def webp(image, **options):
    out = io.BytesIO()
    image.save(out, "WEBP", **options)
    return out.getvalue()


def riff_chunk(name, data):
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def extended(data, flags, chunks, before=()):
    """Puts a simple file into an extended one."""
    width, height = Image.open(io.BytesIO(data)).size
    head = struct.pack("<I", flags) + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = b"WEBP" + riff_chunk(b"VP8X", head) + b"".join(riff_chunk(*c) for c in before) + data[12:]
    body += b"".join(riff_chunk(*c) for c in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webps():
    for width, height in ((1, 1), (2, 3), (15, 16), (17, 33), (32, 24), (64, 5), (75, 51)):
        image = Image.fromarray(picture(width, height))
        keep(f"lossy-{width}x{height}.webp", webp(image, quality=70))
        keep(f"lossless-{width}x{height}.webp", webp(image, lossless=True))
    image = Image.fromarray(picture(48, 40))
    for quality in (0, 30, 100):
        keep(f"lossy-quality-{quality}.webp", webp(image, quality=quality, method=6))
    smooth = image.resize((200, 150), Image.Resampling.BICUBIC)
    keep("lossy-smooth.webp", webp(smooth, quality=80, method=6))
    keep("lossless-smooth.webp", webp(smooth, lossless=True, quality=100, method=6))
    keep("lossless-palette.webp", webp(image.quantize(7).convert("RGB"), lossless=True))
    keep("lossless-two-colours.webp", webp(image.convert("1").convert("RGB"), lossless=True))
    alpha = picture(33, 21, 4)
    for exact in (False, True):
        keep(f"lossy-alpha-{exact}.webp".lower(), webp(Image.fromarray(alpha, "RGBA"), quality=60, exact=exact))
        keep(f"lossless-alpha-{exact}.webp".lower(), webp(Image.fromarray(alpha, "RGBA"), lossless=True, exact=exact))
    keep("lossy-alpha-quantized.webp", webp(Image.fromarray(alpha, "RGBA"), quality=60, alpha_quality=40))
    array = picture(26, 14)
    plain = tiff([short(6)])
    for value in range(1, 9):
        keep(f"exif-{value}.webp", webp(Image.fromarray(array), quality=90, exif=b"Exif\0\0" + tiff([short(value)])))
    keep("exif-bare.webp", webp(Image.fromarray(array), lossless=True, exif=plain))
    keep("xmp.webp", webp(Image.fromarray(array), xmp=packet(8)))
    keep("exif-and-xmp.webp", webp(Image.fromarray(array), xmp=packet(8), exif=plain))
    simple = webp(Image.fromarray(array), quality=50)
    keep("exif-without-flag.webp", extended(simple, 0, [(b"EXIF", plain)]))
    keep("exif-with-flag.webp", extended(simple, 8, [(b"EXIF", plain)]))
    keep("exif-twice.webp", extended(simple, 8, [(b"EXIF", plain), (b"EXIF", tiff([short(3)]))]))
    keep("exif-before.webp", extended(simple, 8, [], [(b"EXIF", plain)]))
    keep("xmp-without-flag.webp", extended(simple, 8, [(b"XMP ", packet(6))]))
    keep("unknown-chunk.webp", extended(simple, 0, [(b"what", b"odd")], [(b"ever", b"12345")]))
    frames = [Image.fromarray(picture(30, 20)) for _ in range(3)]
    for name, options in (("lossy", {"quality": 70}), ("lossless", {"lossless": True})):
        keep(f"animated-{name}.webp", webp(frames[0], save_all=True, append_images=frames[1:], **options))
    # The first frame of an animation that covers a part of its canvas.
    small = webp(Image.fromarray(picture(10, 8)), quality=80)[12:]
    head = struct.pack("<I", 2) + bytes([29, 0, 0, 19, 0, 0])
    frame = bytes([3, 0, 0, 2, 0, 0, 9, 0, 0, 7, 0, 0, 100, 0, 0, 0]) + small
    body = b"WEBP" + riff_chunk(b"VP8X", head) + riff_chunk(b"ANIM", bytes([9, 8, 7, 255, 0, 0])) + riff_chunk(b"ANMF", frame)
    keep("animated-part.webp", b"RIFF" + struct.pack("<I", len(body)) + body)


# GIF, written by hand


def lzw(indices, bits, clear_every=0, first_clear=True):
    """Compresses; `clear_every` so many codes start again."""
    clear, end = 1 << bits, (1 << bits) + 1
    out, held, count = bytearray(), 0, 0

    def emit(code, size):
        nonlocal held, count
        held |= code << count
        count += size
        while count >= 8:
            out.append(held & 255)
            held >>= 8
            count -= 8

    table = {(i,): i for i in range(clear)}
    size, following, codes = bits + 1, end + 1, 0
    if first_clear:
        emit(clear, size)
    text = ()
    for index in indices:
        longer = text + (index,)
        if longer in table:
            text = longer
            continue
        emit(table[text], size)
        codes += 1
        if following < 4096:
            table[longer] = following
            if following == 1 << size and size < 12:
                size += 1
            following += 1
        if clear_every and codes % clear_every == 0:
            emit(clear, size)
            table = {(i,): i for i in range(clear)}
            size, following = bits + 1, end + 1
        text = (index,)
    emit(table[text], size)
    emit(end, size)
    if count:
        out.append(held & 255)
    return bytes(out)


def blocks(data, size=255):
    return b"".join(bytes([len(part := data[i : i + size])]) + part for i in range(0, len(data), size)) + b"\0"


def gif(frame, palette=None, local=None, screen=None, at=(0, 0), bits=8, interlaced=False, transparent=None,
        version=b"GIF89a", before=b"", after=b"", block=255, **options):
    height, width = frame.shape
    screen = screen or (width, height)
    flags = lambda colours: 0x80 | (len(colours) // 3).bit_length() - 2
    out = version + struct.pack("<HHBBB", *screen, flags(palette) if palette else 0, 3, 0) + (palette or b"")
    if transparent is not None:
        out += b"!\xf9\4" + struct.pack("<BHBB", 1, 0, transparent, 0)
    rows = list(range(height))
    if interlaced:
        rows = [y for first, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for y in range(first, height, step)]
    out += before + b"," + struct.pack("<HHHHB", *at, width, height, (flags(local) if local else 0) | (0x40 if interlaced else 0))
    data = lzw([int(i) for y in rows for i in frame[y]], bits, **options)
    return out + (local or b"") + bytes([bits]) + blocks(data, block) + after + b";"


def gifs():
    colours = lambda count: rng.integers(0, 256, 3 * count, dtype=np.uint8).tobytes()
    frame = rng.integers(0, 256, (19, 23))
    full = colours(256)
    keep("plain.gif", gif(frame, full))
    keep("87a.gif", gif(frame, full, version=b"GIF87a"))
    for height in (1, 2, 3, 4, 5, 7, 8, 9, 19):
        keep(f"interlaced-{height}.gif", gif(frame[:height], full, interlaced=True))
    for bits in range(1, 8):
        part = rng.integers(0, 1 << bits, (13, 17))
        keep(f"bits-{bits}.gif", gif(part, colours(1 << bits), bits=max(bits, 2)))
    keep("bits-11-codes.gif", gif(frame, full, bits=11))
    keep("palette-short.gif", gif(frame, colours(16)))
    keep("palette-none.gif", gif(frame))
    keep("palette-grays.gif", gif(frame, bytes(i for i in range(16) for _ in range(3))))
    keep("palette-local.gif", gif(frame, full, colours(256)))
    keep("palette-local-only.gif", gif(frame, None, colours(64)))
    keep("palette-local-grays.gif", gif(frame, full, bytes(i for i in range(256) for _ in range(3))))
    keep("transparent.gif", gif(frame, full, transparent=7))
    keep("transparent-grays.gif", gif(frame, transparent=7))
    for name, options in (("", {}), ("-transparent", {"transparent": 9}), ("-local", {"local": colours(256)})):
        keep(f"screen-larger{name}.gif", gif(frame, full, screen=(40, 30), at=(11, 5), **options))
    keep("screen-larger-interlaced.gif", gif(frame, full, screen=(40, 30), at=(11, 5), interlaced=True))
    keep("screen-larger-grays.gif", gif(frame, screen=(40, 30), at=(0, 11)))
    keep("screen-smaller.gif", gif(frame, full, screen=(9, 7)))
    keep("screen-smaller-moved.gif", gif(frame, full, screen=(25, 7), at=(5, 3)))
    keep("clear-often.gif", gif(frame, full, clear_every=5))
    keep("clear-not-first.gif", gif(frame, full, first_clear=False))
    big = rng.integers(0, 4, (90, 110))
    keep("table-full.gif", gif(rng.integers(0, 256, (90, 110)), full))
    keep("table-full-repeats.gif", gif(np.tile(big, (2, 2)), colours(4), bits=2))
    keep("one-colour.gif", gif(np.full((70, 80), 3), full))
    keep("blocks-small.gif", gif(frame, full, block=3))
    comment = b"!\xfe\5hello\3abc\0"
    loop = b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0"
    text = b"!\1\x0c" + bytes(12) + b"\2ab\0"
    keep("extensions.gif", gif(frame, full, before=comment + loop + text + comment))
    keep("junk-before.gif", gif(frame, full, before=b"\0\0junk"))
    second = gif(frame[::-1].copy(), full, local=colours(256))[13 + 768 : -1]
    keep("animated.gif", gif(frame, full, after=second))
    keep("control-twice.gif", gif(frame, full, screen=(30, 30), transparent=5, before=b"!\xf9\4\1\0\0\x0b\0"))
    keep("no-trailer.gif", gif(frame, full)[:-1])
    image = Image.fromarray(picture(60, 45))
    for interlace in (0, 1):
        out = io.BytesIO()
        image.quantize(64).save(out, "GIF", interlace=interlace)
        keep(f"pillow-{interlace}.gif", out.getvalue())


# BMP, written by hand


def bmp(pixels, width, height, bits, header=40, compression=0, palette=b"", colours=0, masks=b"", offset=None, negative=False):
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IIiHHIIIIII", header, width, -height if negative else height, 1, bits, compression, len(pixels), 2835, 2835, colours, 0)
        info += masks if header > 40 else b""
        info = info.ljust(header, b"\0") + (masks if header == 40 else b"")
    start = 14 + len(info) + len(palette) if offset is None else offset
    return b"BM" + struct.pack("<IHHI", 14 + len(info) + len(palette) + len(pixels), 0, 0, start) + info + palette + pixels


def stored(rows, bits):
    """Rows of bytes, padded to four."""
    return b"".join(row + bytes(-len(row) % 4) for row in rows)


def packed(rows, depth):
    out = []
    for row in rows:
        digits = "".join(format(v, f"0{depth}b") for v in row)
        digits += "0" * (-len(digits) % 8)
        out.append(bytes(int(digits[i : i + 8], 2) for i in range(0, len(digits), 8)))
    return out


def bmps():
    entries = lambda count, size=4: b"".join(rng.integers(0, 256, 3, dtype=np.uint8).tobytes() + bytes(size - 3) for _ in range(count))
    grays = lambda values: b"".join(bytes([v, v, v, 0]) for v in values)
    for width in (1, 7, 8, 9, 33):
        for bits in (1, 4, 8):
            indices = rng.integers(0, 1 << bits, (6, width))
            keep(f"bits-{bits}-width-{width}.bmp", bmp(stored(packed(indices, bits), bits), width, 6, bits, palette=entries(1 << bits)))
        for bits in (16, 24, 32):
            rows = [rng.integers(0, 256, width * bits // 8, dtype=np.uint8).tobytes() for _ in range(6)]
            keep(f"bits-{bits}-width-{width}.bmp", bmp(stored(rows, bits), width, 6, bits))
    indices = rng.integers(0, 256, (10, 13))
    rows = stored(packed(indices, 8), 8)
    for header in (40, 52, 56, 64, 108, 124):
        keep(f"header-{header}.bmp", bmp(rows, 13, 10, 8, header, palette=entries(256)))
    keep("header-12.bmp", bmp(rows, 13, 10, 8, 12, palette=entries(256, 3)))
    keep("header-12-24.bmp", bmp(stored([rng.integers(0, 256, 39, dtype=np.uint8).tobytes() for _ in range(5)], 24), 13, 5, 24, 12))
    keep("top-down.bmp", bmp(rows, 13, 10, 8, palette=entries(256), negative=True))
    keep("colours-few.bmp", bmp(rows, 13, 10, 8, palette=entries(20), colours=20))
    keep("colours-gray.bmp", bmp(rows, 13, 10, 8, palette=grays(range(256))))
    keep("colours-gray-few.bmp", bmp(rows, 13, 10, 8, palette=grays(range(20)), colours=20))
    ones = stored(packed(rng.integers(0, 2, (10, 13)), 1), 1)
    keep("colours-black-white.bmp", bmp(ones, 13, 10, 1, palette=grays((0, 255))))
    keep("colours-white-black.bmp", bmp(ones, 13, 10, 1, palette=grays((255, 0))))
    keep("colours-black.bmp", bmp(ones, 13, 10, 1, palette=grays((0,)), colours=1))
    keep("offset-none.bmp", bmp(rows, 13, 10, 8, palette=entries(256), offset=0))
    keep("offset-at-palette.bmp", bmp(rows, 13, 10, 8, palette=entries(256), offset=54))
    keep("offset-gap.bmp", bmp(b"gap." + rows, 13, 10, 8, palette=entries(256), offset=54 + 1024 + 4))
    keep("last-padding-cut.bmp", bmp(rows[:-3], 13, 10, 8, palette=entries(256), negative=True))
    pack = lambda *masks: struct.pack("<IIII", *masks)
    deep = stored([rng.integers(0, 256, 52, dtype=np.uint8).tobytes() for _ in range(5)], 32)
    for number, masks in enumerate((
        (0xFF0000, 0xFF00, 0xFF, 0), (0xFF000000, 0xFF0000, 0xFF00, 0), (0xFF000000, 0xFF00, 0xFF, 0), (0xFF000000, 0xFF0000, 0xFF00, 0xFF),
        (0xFF, 0xFF00, 0xFF0000, 0xFF000000), (0xFF0000, 0xFF00, 0xFF, 0xFF000000), (0xFF000000, 0xFF00, 0xFF, 0xFF0000), (0, 0, 0, 0),
    )):
        keep(f"masks-32-{number}.bmp", bmp(deep, 13, 5, 32, 108, 3, masks=pack(*masks)))
    keep("masks-32-short-header.bmp", bmp(deep, 13, 5, 32, 40, 3, masks=pack(0xFF0000, 0xFF00, 0xFF, 0)[:12]))
    high = stored([rng.integers(0, 256, 26, dtype=np.uint8).tobytes() for _ in range(5)], 16)
    for name, masks in (("565", (0xF800, 0x7E0, 0x1F)), ("555", (0x7C00, 0x3E0, 0x1F))):
        keep(f"masks-16-{name}.bmp", bmp(high, 13, 5, 16, 40, 3, masks=pack(*masks, 0)[:12]))
        keep(f"masks-16-{name}-v4.bmp", bmp(high, 13, 5, 16, 108, 3, masks=pack(*masks, 0)))
    true = stored([rng.integers(0, 256, 39, dtype=np.uint8).tobytes() for _ in range(5)], 24)
    keep("masks-24.bmp", bmp(true, 13, 5, 24, 56, 3, masks=pack(0xFF0000, 0xFF00, 0xFF, 0)))
    runs8 = b"\5\7\0\4\1\2\3\4\4\x09\0\0" + b"\0\3\1\2\3\0\x0a\x11\0\0" + b"\2\1\0\2\3\1\1\6" + b"\x40\5\0\0" + b"\0\2\1\1" + b"\x0d\4" + b"\0\1"
    keep("runs-8.bmp", bmp(runs8 + bytes([13, 3, 0, 0] * 6), 13, 5, 8, compression=1, palette=entries(256)))
    keep("runs-8-whole.bmp", bmp(b"".join(bytes([13, n, 0, 0]) for n in range(10)) + b"\0\1", 13, 10, 8, compression=1, palette=entries(256)))
    keep("runs-8-top-down.bmp", bmp(b"".join(bytes([13, n, 0, 0]) for n in range(10)) + b"\0\1", 13, 10, 8, compression=1, palette=entries(256), negative=True))
    keep("runs-8-gray.bmp", bmp(b"".join(bytes([13, n, 0, 0]) for n in range(10)) + b"\0\1", 13, 10, 8, compression=1, palette=grays(range(256))))
    runs4 = b"".join(bytes([7, 0x12 + n, 0, 5, 0xAB, 0xCD, 0xE0, 0, 1, 0x30, 0, 0]) for n in range(6))
    keep("runs-4.bmp", bmp(runs4 + b"\0\1", 13, 6, 4, compression=2, palette=entries(16)))
    keep("runs-4-clipped.bmp", bmp(b"".join(bytes([40, 0x12 + n, 0, 0]) for n in range(6)) + b"\0\1", 13, 6, 4, compression=2, palette=entries(16)))
    image = Image.fromarray(picture(31, 22))
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        out = io.BytesIO()
        image.convert(mode).save(out, "BMP")
        keep(f"pillow-{mode.lower()}.bmp", out.getvalue())


if __name__ == "__main__":
    shutil.rmtree(FILES, ignore_errors=True)
    FILES.mkdir()
    orientations()
    odd_pngs()
    webps()
    gifs()
    bmps()
    lines = ",\n".join(json.dumps(case) for case in cases)
    (HERE / "formats.json").write_text(f"[\n{lines}\n]\n")
    print(len(cases), "cases", sum(f.stat().st_size for f in FILES.iterdir()), "bytes")
