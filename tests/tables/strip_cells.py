"""Take the last cells of every record away again, byte by byte.

Written against the rules of CSV alone; it imports nothing from the package, so that it cannot
share a mistake with it.
"""


def strip_last_cells(data: bytes, delimiter: bytes, num_cells: int) -> bytes:  # noqa: PLR0912 - a state machine
    """Return the file without the last ``num_cells`` cells of each record.

    Blank lines are no records. A quote opens a quoted cell only where a cell begins.
    """
    out = bytearray()
    record_begin = 0
    cell_ends: list[int] = []
    at = 0
    at_cell_start, quoted, any_byte = True, False, False
    mark = delimiter[0]
    while at <= len(data):
        byte = data[at] if at < len(data) else None
        if quoted:
            if byte is None:
                raise AssertionError("a quote never closes")
            if byte == 0x22:
                if at + 1 < len(data) and data[at + 1] == 0x22:
                    at += 1
                else:
                    quoted = False
            at += 1
            continue
        if byte == 0x22 and at_cell_start:
            quoted, at_cell_start, any_byte = True, False, True
        elif byte == mark:
            cell_ends.append(at)
            at_cell_start, any_byte = True, True
        elif byte is None or byte in (0x0A, 0x0D):
            if any_byte:
                out += data[record_begin : cell_ends[-num_cells]]
            if byte is not None:
                out.append(byte)
                if byte == 0x0D and at + 1 < len(data) and data[at + 1] == 0x0A:
                    out.append(0x0A)
                    at += 1
            record_begin = at + 1
            cell_ends = []
            at_cell_start, any_byte = True, False
        else:
            at_cell_start, any_byte = False, True
        at += 1
    return bytes(out)
