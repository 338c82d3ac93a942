KINDS = {1: "text", 2: "binary", 9: "ping", 10: "pong"}


class MessageReader:
    def __init__(self, max_message_bytes):
        self.limit = max_message_bytes
        self.buffer = b""
        self.opcode, self.message = 0, b""  # of the message that has begun, if one has
        self.closed = False

    def feed(self, data):
        self.buffer += data
        events = []
        while not self.closed and (frame := self.take_frame()):
            events += self.events_of(*frame)
            self.closed = bool(events) and events[-1][0] == "close"
        return events

    def take_frame(self):
        """Return (code of a fault or 0, fin, opcode, payload) of the next frame, if it is there."""
        if len(self.buffer) < 2:
            return None
        first, second = self.buffer[:2]
        fin, opcode, length = bool(first & 0x80), first & 0x0F, second & 0x7F
        if first & 0x70 or not second & 0x80 or self.is_misplaced(fin, opcode, length):
            return 1002, fin, opcode, b""
        start = {126: 4, 127: 10}.get(length, 2)
        if len(self.buffer) < start:
            return None
        if start > 2:
            length = int.from_bytes(self.buffer[2:start])
        if opcode < 8 and len(self.message) + length > self.limit:
            return 1009, fin, opcode, b""
        end = start + 4 + length
        if len(self.buffer) < end:
            return None
        mask, masked = self.buffer[start : start + 4], self.buffer[start + 4 : end]
        self.buffer = self.buffer[end:]
        return 0, fin, opcode, bytes(byte ^ mask[i % 4] for i, byte in enumerate(masked))

    def is_misplaced(self, fin, opcode, length):
        if opcode >= 8:
            return opcode > 10 or not fin or length > 125
        return opcode > 2 or bool(opcode) == bool(self.opcode)

    def events_of(self, fault, fin, opcode, payload):
        if fault:
            return [("close", fault)]
        if opcode == 8:
            if len(payload) == 1:
                return [("close", 1002)]
            return [("close", int.from_bytes(payload[:2]) if payload else 1005)]
        if opcode > 8:
            return [(KINDS[opcode], payload)]
        self.opcode = self.opcode or opcode
        self.message += payload
        return self.end_message() if fin else []

    def end_message(self):
        opcode, message = self.opcode, self.message
        self.opcode, self.message = 0, b""
        if opcode == 2:
            return [("binary", message)]
        try:
            return [("text", message.decode())]
        except UnicodeDecodeError:
            return [("close", 1007)]
