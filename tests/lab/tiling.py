"""What every dissection promises: each byte is in exactly one field."""

from __future__ import annotations

from itertools import groupby


def tiles(found, data):
    """Check that the dissections, and the fields in each, cover every byte once, in order."""
    place = 0
    for one in found:
        assert one.start == place
        assert one.data == data[place : one.end]
        assert one.data
        fields_tile(one)
        place = one.end
    assert place == len(data)


def fields_tile(one):
    place = one.start
    for (start, end), fields in groupby(one.fields, key=lambda field: (field.start, field.end)):
        fields = list(fields)
        assert start == place
        assert end > start
        if fields[0].bits is None:
            assert len(fields) == 1
        else:
            assert end == start + 1
            bits = [bit for field in fields for bit in range(field.bits[0], field.bits[1] + 1)]
            assert bits == list(range(8))
        place = end
    assert place == one.end
    for within in one.inner:
        fields_tile(within)
