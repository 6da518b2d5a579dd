"""Writes NAME.EXT and, as NAME.EXT.png, the pixels that Pillow (libjpeg-turbo, libwebp) reads from it.

python3 make.py OUT [RANDOM]: the files of this folder, or RANDOM more of any size. Needs Pillow, numpy, simplejpeg.
"""
import io, pathlib, sys
import numpy as np
import simplejpeg
from PIL import Image, ImageOps

out = pathlib.Path(sys.argv[1])


def pixels(width, height, seed=1, kind="gradient"):
    y, x = np.mgrid[0:height, 0:width].astype(float)
    g = np.random.default_rng(seed)
    if kind == "gradient":
        planes = [255 * x / max(1, width - 1), 255 * y / max(1, height - 1), 255 * ((x + 2 * y) % 16) / 15]
    elif kind == "noise":
        planes = [g.integers(0, 256, (height, width)) for _ in range(3)]
    else:
        planes = [127 + 127 * np.sin(x * g.uniform(.1, 1) + y * g.uniform(.1, 1) + g.uniform(0, 6)) for _ in range(3)]
    return np.ascontiguousarray(np.stack(planes, -1).astype(np.uint8))


def write(name, content):
    (out / name).write_bytes(content)
    with Image.open(io.BytesIO(content)) as img:
        img = ImageOps.exif_transpose(img)
        if img.has_transparency_data:
            img = img.convert("RGBA")
            img = Image.alpha_composite(Image.new("RGBA", img.size, "white"), img)
        img.convert("RGB").save(out / (name + ".png"), optimize=True)


def saved(array, **options):
    b = io.BytesIO()
    (array if isinstance(array, Image.Image) else Image.fromarray(array)).save(b, **options)
    return b.getvalue()


def without_adobe(jpeg):
    at = jpeg.index(b"\xff\xee")
    return jpeg[:at] + jpeg[at + 2 + int.from_bytes(jpeg[at + 2:at + 4], "big"):]


def fixtures():
    for ratio in ["444", "422", "420", "440", "411"]:
        for w, h in [(16, 16), (19, 13)]:
            write(f"{ratio}-{w}x{h}.jpg", simplejpeg.encode_jpeg(pixels(w, h), 90, "RGB", ratio))
    for w in [1, 2, 3, 4, 5]:
        write(f"420-{w}x5.jpg", simplejpeg.encode_jpeg(pixels(w, 5, kind="noise"), 95, "RGB", "420"))
    write("progressive.jpg", saved(pixels(21, 18), format="JPEG", progressive=True, quality=85))
    write("grey.jpg", saved(pixels(16, 16)[..., 0], format="JPEG"))
    cmyk = Image.fromarray(np.concatenate([pixels(17, 16), pixels(17, 16, kind="sine")[..., :1] // 2], -1), "CMYK")
    content = saved(cmyk, format="JPEG", quality=95)
    write("cmyk.jpg", content)
    write("cmyk-plain.jpg", without_adobe(content))
    at = content.index(b"Adobe") + 11
    write("ycck.jpg", content[:at] + b"\2" + content[at + 1:])
    for n, form in [(1, {}), (3, {"progressive": True})]:
        write(f"restart{n}.jpg", saved(pixels(43, 37), format="JPEG", restart_marker_blocks=n, subsampling=n % 2 + 1, **form))
    rgb = Image.fromarray(pixels(18, 11))
    write("rgb.jpg", saved(rgb, format="JPEG", keep_rgb=True))
    write("lossy.webp", saved(pixels(18, 17, kind="sine"), format="WEBP", quality=90))
    write("lossy-odd.webp", saved(pixels(5, 3, kind="noise"), format="WEBP", quality=90))
    write("lossless.webp", saved(pixels(16, 16), format="WEBP", lossless=True))
    alpha = np.concatenate([pixels(16, 16, kind="sine"), pixels(16, 16)[..., :1]], -1)
    write("alpha.webp", saved(alpha, format="WEBP", quality=95))
    frames = [Image.fromarray(pixels(16, 16, i)).quantize(32) for i in range(3)]
    write("animated.gif", saved(frames[0], format="GIF", save_all=True, append_images=frames[1:]))
    write("deflate.tiff", saved(pixels(16, 16), format="TIFF", compression="tiff_deflate"))
    write("grey16.tiff", saved(pixels(8, 8)[..., 0], format="TIFF"))
    write("plain.bmp", saved(pixels(9, 7), format="BMP"))
    for turn in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = turn
        write(f"turn{turn}.jpg", saved(pixels(12, 7, kind="sine"), format="JPEG", quality=95, exif=exif))
    write("turn6.png", saved(pixels(6, 5), format="PNG", exif=exif_of(6)))
    write("turn8.webp", saved(pixels(6, 5), format="WEBP", lossless=True, exif=exif_of(8)))


def exif_of(turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    return exif


def many(n):
    g = np.random.default_rng(7)
    for i in range(n):
        w, h = int(g.integers(1, 70)), int(g.integers(1, 70))
        kind = ["gradient", "noise", "sine"][i % 3]
        quality = int(g.integers(5, 101))
        a = pixels(w, h, i, kind)
        if i % 5 == 4:
            write(f"{i}.webp", saved(a, format="WEBP", quality=quality))
        elif i % 5 == 3:
            write(f"{i}.jpg", saved(a, format="JPEG", progressive=True, quality=quality, subsampling=int(g.integers(0, 3))))
        else:
            ratio = ["444", "422", "420", "440", "411"][int(g.integers(0, 5))]
            write(f"{i}.jpg", simplejpeg.encode_jpeg(a, quality, "RGB", ratio))


if len(sys.argv) > 2:
    many(int(sys.argv[2]))
else:
    fixtures()
