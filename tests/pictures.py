"""Pictures with chosen bytes in them: right in their form, whatever a decoder would say of their points."""

import zlib

_HEAD = b"\x00\x00\x00\x01\x00\x00\x00\x01\x01\x00\x00\x00\x00"


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    """A chunk of a PNG."""
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)


def png(content: bytes = b"invented", *more: bytes) -> bytes:
    """A PNG whose data is this, with further chunks before it."""
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", _HEAD)
    return start + b"".join(more) + chunk(b"IDAT", content) + chunk(b"IEND")


def segment(marker: int, content: bytes = b"") -> bytes:
    """A segment of a JPEG."""
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2) + content


JFIF = segment(0xE0, b"JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x00\x00")
ADOBE = segment(0xEE, b"Adobe\x00\x64\x00\x00\x00\x00\x01")
QUANTIZATION = segment(0xDB, bytes(65))
FRAME = segment(0xC0, b"\x08\x00\x01\x00\x01\x01\x01\x11\x00")
HUFFMAN = segment(0xC4, bytes(17))
SCAN = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x12\xff\x00\x34\xff\xd0\x56"


def jpeg(*first: bytes, scan: bytes = SCAN, end: bytes = b"\xff\xd9") -> bytes:
    """A JPEG that begins with these segments."""
    return b"\xff\xd8" + b"".join(first) + QUANTIZATION + FRAME + HUFFMAN + scan + end
