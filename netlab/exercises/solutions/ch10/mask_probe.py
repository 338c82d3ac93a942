def frame(text, mask):
    payload = text.encode()
    masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return bytes([0b1000_0001, 0b1000_0000 | len(payload)]) + mask + masked


def mask_probe(make_reader):
    reader = make_reader()
    stream = frame("hello", b"\x37\xfa\x21\x3d") + frame("world", b"\x01\x02\x03\x04")
    messages = []
    for byte in stream:
        messages += reader.feed(bytes([byte]))
    assert messages == [("text", "hello"), ("text", "world")], f"it read {messages}"
