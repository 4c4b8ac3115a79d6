"""Where the parts of a picture file lie: what a mutation must know to hurt more than at random.

Whole files are read here, drawn by ``pictures``; nothing has to be robust.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Number:
    """A number in the header: where it stands and how ``struct`` writes it."""

    offset: int
    code: str

    @property
    def end(self) -> int:
        """Offset behind it."""
        return self.offset + struct.calcsize(self.code)

    def read(self, data: bytearray) -> int:
        """Return what stands there."""
        return int(struct.unpack_from(self.code, data, self.offset)[0])

    def write(self, data: bytearray, value: int) -> None:
        """Put a value there, cut to its width."""
        width = struct.calcsize(self.code)
        struct.pack_into(self.code, data, self.offset, value % (1 << 8 * width))


@dataclass
class Layout:
    """The parts of one file.

    Args:
        parts: Chunks, segments or blocks, as ranges of bytes.
        lengths: Numbers that say how long something is, how many follow, or where it lies.
        sizes: Numbers that say how wide, tall or deep the picture is.
        metadata: Range of EXIF or text, empty where there is none.
    """

    parts: list[tuple[int, int]] = field(default_factory=list)
    lengths: list[Number] = field(default_factory=list)
    sizes: list[Number] = field(default_factory=list)
    metadata: list[tuple[int, int]] = field(default_factory=list)


def _jpeg(data: bytes) -> Layout:
    layout = Layout()
    place = 2
    while data[place] == 0xFF and data[place + 1] != 0xD9:
        marker = data[place + 1]
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        end = place + 2 + length
        layout.parts.append((place, end))
        layout.lengths.append(Number(place + 2, ">H"))
        if marker in (0xC0, 0xC1, 0xC2):
            layout.sizes += [Number(place + 4, ">B"), Number(place + 5, ">H")]
            layout.sizes += [Number(place + 7, ">H"), Number(place + 9, ">B")]
            layout.sizes += [Number(place + 11 + 3 * i, ">B") for i in range(data[place + 9])]
        if marker in (0xE1, 0xE2, 0xFE):
            layout.metadata.append((place + 4, end))
        place = end
        if marker == 0xDA:
            while not (data[place] == 0xFF and data[place + 1] not in (0, *range(0xD0, 0xD8))):
                place += 1
            layout.parts.append((end, place))
    return layout


def _png(data: bytes) -> Layout:
    layout = Layout()
    place = 8
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        kind = data[place + 4 : place + 8]
        end = place + 12 + length
        layout.parts.append((place, end))
        layout.lengths.append(Number(place, ">I"))
        if kind == b"IHDR":
            layout.sizes += [Number(place + 8, ">I"), Number(place + 12, ">I")]
            layout.sizes += [Number(place + offset, ">B") for offset in range(16, 21)]
        elif kind in (b"fcTL", b"acTL"):
            layout.sizes += [Number(place + 8 + 4 * i, ">I") for i in range(length // 4)]
        elif kind in (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP"):
            layout.metadata.append((place + 8, end - 4))
        place = end
    return layout


def _webp(data: bytes) -> Layout:
    layout = Layout(lengths=[Number(4, "<I")])
    place = 12
    while place < len(data):
        kind = data[place : place + 4]
        length = int.from_bytes(data[place + 4 : place + 8], "little")
        end = place + 8 + length + length % 2
        layout.parts.append((place, end))
        layout.lengths.append(Number(place + 4, "<I"))
        body = place + 8
        if kind == b"VP8X":
            layout.sizes += [Number(body, "<B"), Number(body + 4, "<H"), Number(body + 7, "<H")]
        elif kind == b"VP8 ":
            layout.sizes += [Number(body + 6, "<H"), Number(body + 8, "<H")]
        elif kind == b"VP8L":
            layout.sizes.append(Number(body + 1, "<I"))
        elif kind == b"ANMF":
            layout.sizes += [Number(body + 3 * i, "<H") for i in range(4)]
        elif kind == b"EXIF":
            layout.metadata.append((body, end))
        place = end
    return layout


def _gif(data: bytes) -> Layout:
    layout = Layout(sizes=[Number(6, "<H"), Number(8, "<H"), Number(10, "<B"), Number(11, "<B")])
    place = 13
    if data[10] & 0x80:
        place += 3 << (data[10] & 7) + 1
        layout.parts.append((13, place))
    while data[place] != 0x3B:
        begin = place
        if data[place] == 0x2C:
            layout.sizes += [Number(place + offset, "<H") for offset in (1, 3, 5, 7)]
            layout.sizes += [Number(place + 9, "<B")]
            table = data[place + 9]
            place += 10 + (3 << (table & 7) + 1 if table & 0x80 else 0)
            layout.lengths.append(Number(place, "<B"))
            place += 1
        else:
            place += 2
        while data[place]:
            layout.lengths.append(Number(place, "<B"))
            place += 1 + data[place]
        place += 1
        layout.parts.append((begin, place))
    return layout


def _bmp(data: bytes) -> Layout:
    pixels = int.from_bytes(data[10:14], "little")
    header = 14 + int.from_bytes(data[14:18], "little")
    parts = [(0, 14), (14, header), (header, pixels), (pixels, len(data))]
    return Layout(
        parts=[(begin, end) for begin, end in parts if end > begin],
        lengths=[Number(offset, "<I") for offset in (2, 10, 14, 34, 46)],
        sizes=[*[Number(offset, "<I") for offset in (18, 22, 30)], Number(28, "<H")],
    )


# TIFF 6.0, section 2: bytes a value of each type; 16 to 18 are of BigTIFF.
_TIFF_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 11: 4, 12: 8, 16: 8}
# Width, height, bits, compression, photometric, samples, rows a strip, planes, predictor.
_TIFF_SIZES = {256, 257, 258, 259, 262, 277, 278, 284, 317, 322, 323, 339}


def _tiff(data: bytes) -> Layout:
    layout = Layout()
    order = "<" if data[:2] == b"II" else ">"
    is_big = struct.unpack_from(order + "H", data, 2)[0] == 43
    count_code, count_width, entry, offset_code = ("Q", 8, 20, "Q") if is_big else ("H", 2, 12, "I")
    first = 8 if is_big else 4
    layout.lengths.append(Number(first, order + offset_code))
    (place,) = struct.unpack_from(order + offset_code, data, first)
    while place:
        (num_entries,) = struct.unpack_from(order + count_code, data, place)
        layout.lengths.append(Number(place, order + count_code))
        begin = place + count_width
        for start in range(begin, begin + num_entries * entry, entry):
            tag, kind = struct.unpack_from(order + "HH", data, start)
            (count,) = struct.unpack_from(order + offset_code, data, start + 4)
            value = start + (12 if is_big else 8)
            layout.parts.append((start, start + entry))
            layout.lengths += [
                Number(start + 4, order + offset_code),
                Number(start + 2, order + "H"),
            ]
            if count * _TIFF_WIDTHS.get(kind, 1) > (8 if is_big else 4):
                layout.lengths.append(Number(value, order + offset_code))
                (target,) = struct.unpack_from(order + offset_code, data, value)
                layout.parts.append((target, target + count * _TIFF_WIDTHS.get(kind, 1)))
            elif tag in _TIFF_SIZES:
                layout.sizes.append(Number(value, order + ("H" if kind == 3 else "I")))
            if tag in (34665, 270, 271, 305):
                layout.metadata.append((start, start + entry))
        place = begin + num_entries * entry
        layout.lengths.append(Number(place, order + offset_code))
        (place,) = struct.unpack_from(order + offset_code, data, place)
    return layout


FIND_PARTS: dict[str, Callable[[bytes], Layout]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "WEBP": _webp,
    "GIF": _gif,
    "BMP": _bmp,
    "TIFF": _tiff,
}
