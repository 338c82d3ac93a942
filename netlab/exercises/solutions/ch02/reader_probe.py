def reader_probe(make_reader):
    reader = make_reader()
    lines = []
    for byte in b"hello\nworld\n":
        lines += reader.feed(bytes([byte]))
    assert lines == [b"hello", b"world"], f"one byte at a time gave {lines}"
