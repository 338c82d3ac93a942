class FrameReader:
    def __init__(self, max_frame_bytes):
        self.limit = max_frame_bytes
        self.tail = b""
        self.skipping = False  # inside a line that is too long

    def feed(self, data):
        lines = []
        *complete, rest = data.split(b"\n")
        for piece in complete:
            self.add(piece, lines)
            if not self.skipping:
                lines.append(self.tail)
            self.tail, self.skipping = b"", False
        self.add(rest, lines)
        return lines

    def add(self, piece, lines):
        if self.skipping:
            return
        self.tail += piece
        if len(self.tail) > self.limit:
            self.tail, self.skipping = b"", True
            lines.append(None)

    def end(self):
        return len(self.tail)
