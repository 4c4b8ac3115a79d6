"""Every kind of picture and of broken picture that a table may point at, made here."""

import struct
import threading
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin

from pairsift import images
from pairsift.config import ImageConfig
from pairsift.errors import ImageError
from pairsift.images import DecodedImage, decode_image, flatten_image
from pairsift.statuses import RowStatus

CONFIG = ImageConfig()
EXACT = ImageConfig(exact_decode=True)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def smooth(width: int, height: int, seed: int = 0) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def decode(data: bytes, config: ImageConfig = EXACT, target: int = 32) -> DecodedImage:
    return decode_image(data, config, target=target)


def pixels(data: bytes) -> NDArray[np.uint8]:
    found = decode(data)
    assert found.rgb.mode == "RGB"
    assert (found.width, found.height) == found.rgb.size
    return np.asarray(found.rgb)


def refusal(data: bytes, config: ImageConfig = CONFIG) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode(data, config)
    assert caught.value.reason
    assert " at 0x" not in caught.value.reason
    return caught.value


def chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png_with(*extra: bytes, width: int = 4, height: int = 4, late: bytes = b"") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    rows = b"".join(b"\0" + bytes([200, 10, 30]) * 4 for _ in range(4))
    body = chunk(b"IDAT", zlib.compress(rows)) + late + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + body


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF", "WEBP", "JPEG"])
def test_each_format(kind: str) -> None:
    image = smooth(40, 30)
    options = {"lossless": True} if kind == "WEBP" else {}
    found = decode(encoded(image, kind, **options))
    assert (found.format, found.width, found.height) == (kind, 40, 30)
    difference = np.abs(np.asarray(found.rgb, int) - np.asarray(image, int))
    limit = {"GIF": 12, "JPEG": 12}.get(kind, 0)
    assert difference.mean() <= limit


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", RowStatus.IMAGE_EMPTY),
        (b"this is not a picture\n" * 20, RowStatus.IMAGE_UNSUPPORTED),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", RowStatus.IMAGE_UNSUPPORTED),
        (b"<!DOCTYPE html><html>404</html>", RowStatus.IMAGE_UNSUPPORTED),
        (b"%PDF-1.7", RowStatus.IMAGE_UNSUPPORTED),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", RowStatus.IMAGE_UNSUPPORTED),
        (b"\0\0\0\x1cftypavif\0\0\0\0", RowStatus.IMAGE_UNSUPPORTED),
        (bytes(range(256)), RowStatus.IMAGE_UNSUPPORTED),
        (b"P6 1 1 255\n\1\2\3", RowStatus.IMAGE_UNSUPPORTED),
        (b"\x89PNG\r\n\x1a\n", RowStatus.IMAGE_CORRUPT),
        (b"\xff\xd8\xff\xe0", RowStatus.IMAGE_CORRUPT),
        (b"GIF89a", RowStatus.IMAGE_CORRUPT),
        (b"RIFF\4\0\0\0WEBP", RowStatus.IMAGE_CORRUPT),
        (b"II*\0\xff\xff\xff\xff", RowStatus.IMAGE_CORRUPT),
    ],
)
def test_what_is_no_image(data: bytes, status: RowStatus) -> None:
    assert refusal(data).status is status


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF", "WEBP", "JPEG"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_truncated(kind: str, share: float) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    assert refusal(data[: int(len(data) * share)]).status is RowStatus.IMAGE_CORRUPT


def test_any_truncation_and_any_flipped_byte_is_an_image_or_an_image_error() -> None:
    dice = np.random.default_rng(1)
    for kind in images.FORMATS:
        data = encoded(smooth(24, 20), kind)
        for _ in range(60):
            hurt = bytearray(data[: dice.integers(1, len(data) + 1)])
            hurt[dice.integers(0, len(hurt))] ^= 1 << dice.integers(0, 8)
            try:
                assert decode(bytes(hurt), CONFIG).rgb.mode == "RGB"
            except ImageError:
                continue


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP"])
def test_one_pixel(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(Image.new("RGB", (1, 1), (200, 10, 30)), kind, **options)
    assert pixels(data).tolist() == [[[200, 10, 30]]]


def test_a_huge_header_is_refused_before_a_pixel_is_decoded() -> None:
    error = refusal(png_with(width=20_000, height=20_000))
    assert error.status is RowStatus.IMAGE_TOO_LARGE
    small = ImageConfig(max_image_pixels=15)
    error = refusal(png_with(), small)
    assert error.status is RowStatus.IMAGE_TOO_LARGE
    assert "4x4" in error.reason
    assert "max_image_pixels 15" in error.reason


def test_between_pillows_warning_and_our_limit_nothing_is_warned_about() -> None:
    error = refusal(png_with(width=10_000, height=12_000))  # more than 89 million pixels
    assert error.status is RowStatus.IMAGE_CORRUPT


def test_too_many_bytes() -> None:
    data = encoded(smooth(9, 9), "PNG")
    error = refusal(data, ImageConfig(max_image_bytes=len(data) - 1))
    assert error.status is RowStatus.IMAGE_TOO_LARGE


@pytest.mark.parametrize("is_late", [False, True])
def test_a_text_that_inflates_is_refused(is_late: bool) -> None:
    bomb = chunk(b"zTXt", b"comment\0\0" + zlib.compress(bytes(8 << 20)))
    data = png_with(late=bomb) if is_late else png_with(bomb)
    assert refusal(data).status is RowStatus.IMAGE_TOO_LARGE


def test_a_profile_that_inflates_is_refused() -> None:
    bomb = chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(8 << 20)))
    assert refusal(png_with(bomb)).status is RowStatus.IMAGE_TOO_LARGE


def test_cmyk() -> None:
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    red = pixels(encoded(image, "JPEG", quality=100))[8, 8]
    assert red[0] > 240
    assert red[1:].max() < 15
    assert pixels(encoded(image, "TIFF"))[8, 8].tolist() == [255, 0, 0]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_cut(kind: str) -> None:
    values = np.array([[0, 128, 129, 257, 32_896, 65_406, 65_407, 65_535]], np.uint16)
    found = pixels(encoded(Image.fromarray(values), kind))
    assert found[0, :, 0].tolist() == [0, 0, 1, 1, 128, 254, 255, 255]
    assert (found == found[..., :1]).all()


def test_sixteen_bit_big_endian_tiff() -> None:
    values = np.array([[0, 257, 65_535]], np.uint16)
    image = Image.frombytes("I;16B", (3, 1), values.astype(">u2").tobytes())
    assert pixels(encoded(image, "TIFF"))[0, :, 0].tolist() == [0, 1, 255]


def test_sixteen_bit_colour() -> None:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0" + struct.pack(">HHH", 65_535, 257, 32_896)))
    data = b"\x89PNG\r\n\x1a\n" + header + body + chunk(b"IEND", b"")
    assert pixels(data).tolist() == [[[255, 1, 128]]]


def test_the_transparent_grey_of_sixteen_bits_is_white() -> None:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 0, 0, 0, 0))
    body = chunk(b"tRNS", struct.pack(">H", 771))
    body += chunk(b"IDAT", zlib.compress(b"\0" + struct.pack(">HH", 771, 1028)))
    data = b"\x89PNG\r\n\x1a\n" + header + body + chunk(b"IEND", b"")
    assert pixels(data)[0, :, 0].tolist() == [255, 4]


@pytest.mark.parametrize(("mode", "value", "grey"), [("F", 0.5, 128), ("I", 200, 200)])
def test_wide_greys_are_guessed_by_their_range(mode: str, value: float, grey: int) -> None:
    data = encoded(Image.new(mode, (3, 2), value), "TIFF")
    assert pixels(data)[0, 0].tolist() == [grey] * 3


def test_the_lowest_floats_are_black() -> None:
    # A warning is an error here, and numpy warns where a product overflows.
    image = Image.fromarray(np.full((4, 4), np.finfo(np.float32).min))
    assert (flatten_image(image).getpixel((0, 0))) == (0, 0, 0)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "GIF", "BMP"])
def test_one_bit(kind: str) -> None:
    image = Image.fromarray(np.eye(4, dtype=bool))
    assert (pixels(encoded(image, kind))[..., 1] == np.eye(4) * 255).all()


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_alpha_goes_on_white(kind: str) -> None:
    image = Image.new("RGBA", (3, 1), (255, 0, 0, 255))
    image.putpixel((1, 0), (0, 0, 0, 0))
    image.putpixel((2, 0), (0, 0, 0, 128))
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    found = pixels(encoded(image, kind, **options))[0]
    assert found.tolist() == [[255, 0, 0], [255, 255, 255], [127, 127, 127]]


def test_grey_with_alpha_goes_on_white() -> None:
    image = Image.new("LA", (2, 1), (60, 255))
    image.putpixel((1, 0), (0, 0))
    assert pixels(encoded(image, "PNG"))[0, :, 0].tolist() == [60, 255]


@pytest.mark.parametrize("transparency", [1, bytes([255, 0])])
def test_palette_with_transparency_goes_on_white(transparency: int | bytes) -> None:
    image = Image.new("P", (2, 1), 0)
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    found = pixels(encoded(image, "PNG", transparency=transparency))
    assert found[0].tolist() == [[10, 20, 30], [255, 255, 255]]


def test_a_transparent_colour_goes_on_white() -> None:
    data = encoded(Image.new("RGB", (2, 1), (9, 8, 7)), "PNG", transparency=(9, 8, 7))
    assert pixels(data)[0].tolist() == [[255, 255, 255]] * 2


def test_premultiplied_grey() -> None:
    assert flatten_image(Image.new("La", (1, 1), (0, 0))).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_an_animation(kind: str) -> None:
    frames = [Image.new("RGB", (6, 6), colour) for colour in ("red", "lime", "blue")]
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert pixels(data)[3, 3].tolist() == [255, 0, 0]


def test_the_pictures_behind_the_first_in_a_phones_jpeg() -> None:
    data = encoded(smooth(90, 60), "MPO", save_all=True, append_images=[smooth(9, 9)])
    found = decode(data, CONFIG, target=10)
    assert (found.format, found.width, found.height) == ("JPEG", 90, 60)
    assert found.rgb.size == (45, 30)


def test_progressive_jpeg() -> None:
    image = smooth(64, 48)
    plain = pixels(encoded(image, "JPEG", quality=95))
    assert (pixels(encoded(image, "JPEG", quality=95, progressive=True)) == plain).all()


def test_luminance_and_chroma() -> None:
    image = smooth(20, 20)
    found = pixels(encoded(image.convert("YCbCr"), "TIFF"))
    assert np.abs(found.astype(int) - np.asarray(image, int)).max() <= 4


def test_lab() -> None:
    image = Image.new("RGB", (4, 4), (200, 60, 30))
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(image, *profiles, outputMode="LAB")
    assert lab is not None
    assert np.abs(pixels(encoded(lab, "TIFF"))[1, 1] - np.array([200, 60, 30])).max() <= 3


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(kind: str, orientation: int) -> None:
    upright = smooth(64, 40)
    # Stored so that the tag's own transformation brings it back.
    undo = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    way = undo.get(orientation, images._UPRIGHT.get(orientation))
    stored = upright if way is None else upright.transpose(way)
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    options |= {"quality": 95} if kind == "JPEG" else {}
    found = decode(encoded(stored, kind, exif=turned(orientation), **options))
    assert (found.width, found.height) == (64, 40)
    assert found.rgb.size == (64, 40)
    assert np.abs(np.asarray(found.rgb, int) - np.asarray(upright, int)).mean() < 6


def test_orientation_behind_the_pixels_of_a_png() -> None:
    exif = turned(6).tobytes().removeprefix(b"Exif\0\0")
    found = decode(png_with(late=chunk(b"eXIf", exif), width=4, height=4))
    assert found.rgb.size == (4, 4)
    wide = encoded(smooth(8, 4), "PNG")
    end = chunk(b"IEND", b"")
    found = decode(wide.removesuffix(end) + chunk(b"eXIf", exif) + end)
    assert (found.width, found.height) == found.rgb.size == (4, 8)


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0garbage that is no TIFF header",
        b"Exif\0\0II*\0\xff\xff\xff\x7f",
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x63\0\0\0\0\0\0",
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x04abc\0\0\0\0\0",
        b"Exif\0\0",
    ],
)
def test_wrong_exif_says_nothing_about_the_pixels(exif: bytes) -> None:
    image = smooth(40, 20)
    plain = pixels(encoded(image, "JPEG"))
    assert (pixels(encoded(image, "JPEG", exif=exif)) == plain).all()


@pytest.mark.parametrize("size", [(1024, 1024), (1600, 500), (500, 1600), (333, 700), (64, 64)])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_draft_keeps_twice_the_target(size: tuple[int, int], orientation: int) -> None:
    target = 112
    image = smooth(*size)
    data = encoded(image, "JPEG", quality=95, exif=turned(orientation))
    quick, exact = decode(data, CONFIG, target), decode(data, EXACT, target)
    seen = size if orientation == 1 else size[::-1]
    assert (quick.width, quick.height) == (exact.width, exact.height) == exact.rgb.size == seen
    assert min(quick.rgb.size) >= min(2 * target, *size)
    assert min(quick.rgb.size) <= max(4 * target, min(size))
    side = (target, target)
    difference = np.abs(
        np.asarray(quick.rgb.resize(side, Image.Resampling.BICUBIC), int)
        - np.asarray(exact.rgb.resize(side, Image.Resampling.BICUBIC), int)
    )
    # 0.26 of 255 is the mean over photographs of 1024 squared; smooth pictures differ less.
    assert difference.mean() < 1.0


def test_threads_agree_and_no_filter_stays_behind() -> None:
    before = list(warnings.filters)
    odd = [
        encoded(smooth(40, 30, seed), kind, **options)
        for seed in range(4)
        for kind, options in (("PNG", {"transparency": (1, 2, 3)}), ("JPEG", {}), ("GIF", {}))
    ]
    alone = [pixels(data) for data in odd]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(pixels, odd * 5))
    assert all((a == b).all() for a, b in zip(alone * 5, together, strict=True))
    assert list(warnings.filters) == before


def test_pillows_warnings_are_silenced_while_decoding_and_only_then() -> None:
    inside = threading.Event()
    with images._SILENCE:
        warnings.warn_explicit("odd", UserWarning, "x.py", 1, module="PIL.TiffImagePlugin")
        with pytest.warns(UserWarning, match="ours"):
            warnings.warn_explicit("ours", UserWarning, "x.py", 1, module="elsewhere")
        with images._SILENCE:
            inside.set()
        warnings.warn_explicit("odd", UserWarning, "x.py", 1, module="PIL.TiffImagePlugin")
    assert inside.is_set()
    with pytest.warns(UserWarning, match="odd"):
        warnings.warn_explicit("odd", UserWarning, "x.py", 1, module="PIL.TiffImagePlugin")


def test_pillows_own_settings_are_left_alone() -> None:
    limits = Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK
    decode(encoded(smooth(9, 9), "PNG"))
    assert limits == (Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK)
