"""Pictures of every kind that browsers show."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .image_files import chunk, jpeg, saved


def smooth() -> NDArray[np.uint8]:
    """uint8 (48, 64, 3) without hard edges, so that codecs change little."""
    rows, columns = np.mgrid[:48, :64]
    return np.stack([columns * 4, rows * 5, (rows + columns) * 2], axis=-1).clip(0, 255).astype(np.uint8)


def png_of(pixels: NDArray[Any], *chunks: bytes) -> bytes:
    """A PNG of 8 or 16 bits (big-endian): grey, grey with alpha, RGB or RGBA."""
    height, width = pixels.shape[:2]
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[1 if pixels.ndim == 2 else pixels.shape[2]]
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, colour, 0, 0, 0)
    data = chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def gif_with_a_small_frame() -> bytes:
    """A GIF of 20 x 16 pixels of whose first frame, 10 x 8 pixels at (4, 2), nothing lies outside."""
    frame = saved(Image.new("P", (10, 8), 1), "GIF")
    colours = bytes([0, 0, 255, 255, 0, 0])
    pixels = frame[frame.index(b"\x2c") + 10 :]
    local = frame[frame.index(b"\x2c") + 9]
    assert not local & 0x80
    head = b"GIF89a" + struct.pack("<HHBBB", 20, 16, 0x80, 0, 0) + colours
    return head + b"\x2c" + struct.pack("<HHHHB", 4, 2, 10, 8, 0) + pixels


def pictures() -> dict[str, bytes]:
    """Files by what they are; of those that are cut off a part can be seen."""
    image = Image.fromarray(smooth())
    grey, other = image.getchannel(0), image.getchannel(1)
    wide = smooth().astype(">u2") * 257
    alpha = np.linspace(0, 65535, 48 * 64).reshape(48, 64, 1).astype(">u2")
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "blue")]
    cmyk = saved(image.convert("CMYK"), "JPEG", quality=95)
    adobe = cmyk.index(b"\xff\xee")
    baseline, progressive = jpeg(pixels=smooth()), jpeg(pixels=smooth(), progressive=True)
    animated: dict[str, Any] = {"save_all": True, "append_images": frames}
    return {
        "JPEG": baseline,
        "JPEG of 4:2:0": jpeg(pixels=smooth(), subsampling=2),
        "grey JPEG": saved(grey, "JPEG", quality=95),
        "JPEG in RGB": jpeg(pixels=smooth(), keep_rgb=True),
        "JPEG in CMYK of Adobe": cmyk,
        "JPEG in CMYK": cmyk[:adobe] + cmyk[adobe + 16 :],
        "JPEG in YCCK": cmyk[: adobe + 15] + b"\2" + cmyk[adobe + 16 :],
        "JPEG without its end, cut off": baseline[:-2],
        "JPEG cut off": baseline[: len(baseline) * 4 // 5],
        "progressive JPEG": progressive,
        "progressive JPEG without its end, cut off": progressive[:-2],
        "JPEG with more behind it": baseline + b"\0" * 999,
        "PNG": saved(image),
        "PNG without IEND": saved(image)[:-12],
        "PNG of one bit": saved(image.convert("1")),
        "PNG with a palette": saved(image.quantize(100)),
        "PNG with a transparent palette": saved(image.quantize(100), transparency=bytes(range(0, 200, 2))),
        "PNG with a transparent grey": saved(grey, transparency=40),
        "PNG with a transparent colour": saved(image, transparency=(40, 50, 40)),
        "PNG in grey with alpha": saved(Image.merge("LA", (grey, other))),
        "PNG with alpha": saved(Image.merge("RGBA", (*image.split(), other))),
        "PNG of 16 bits": png_of(wide),
        "PNG of 16 bits with alpha": png_of(np.concatenate([wide, alpha], axis=2)),
        "PNG of 16 bits in grey": png_of(wide[..., 0]),
        "PNG of 16 bits in grey with a transparent one": png_of(wide[..., 0], chunk(b"tRNS", wide[9, 9, :1].tobytes())),
        "PNG of 16 bits in grey with alpha": png_of(np.concatenate([wide[..., :1], alpha], axis=2)),
        "PNG of 16 bits with a transparent colour": png_of(wide, chunk(b"tRNS", wide[9, 9].tobytes())),
        "animated PNG": saved(image, **animated),
        "animated PNG with another picture before": saved(image, **animated, default_image=True),
        "GIF": saved(image, "GIF"),
        "animated GIF": saved(image, "GIF", **animated),
        "GIF with transparency": saved(image.quantize(100), "GIF", transparency=3),
        "GIF with a small frame": gif_with_a_small_frame(),
        "WebP": saved(image, "WEBP", lossless=True),
        "WebP with losses": saved(image, "WEBP", quality=95),
        "animated WebP": saved(image, "WEBP", lossless=True, **animated),
        "AVIF": saved(image, "AVIF", quality=95, subsampling="4:4:4"),
        "BMP": saved(image, "BMP"),
        "BMP with a palette": saved(image.quantize(100), "BMP"),
        "BMP with alpha": saved(Image.merge("RGBA", (*image.split(), other)), "BMP"),
        "ICO": saved(image.resize((64, 64)), "ICO", sizes=[(16, 16), (64, 64), (32, 32)]),
    }
