class LengthCodec:
    def __init__(self, max_frame_bytes):
        self.limit = max_frame_bytes
        self.buffer = b""

    def encode(self, frame):
        if len(frame) > self.limit:
            raise ValueError(f"frame of {len(frame)} bytes, the limit is {self.limit}")
        return len(frame).to_bytes(4) + frame

    def feed(self, data):
        self.buffer += data
        frames = []
        while len(self.buffer) >= 4:
            size = int.from_bytes(self.buffer[:4])
            if size > self.limit:
                raise ValueError(f"frame of {size} bytes announced, the limit is {self.limit}")
            if len(self.buffer) < 4 + size:
                break
            frames.append(self.buffer[4 : 4 + size])
            self.buffer = self.buffer[4 + size :]
        return frames
