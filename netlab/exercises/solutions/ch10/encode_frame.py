def encode_frame(opcode, payload, mask=None):
    if opcode >= 8 and len(payload) > 125:
        raise ValueError(f"a control frame of {len(payload)} bytes; it may have 125")
    masked = 0b1000_0000 if mask else 0
    if len(payload) <= 125:
        length = bytes([masked | len(payload)])
    elif len(payload) <= 65_535:
        length = bytes([masked | 126]) + len(payload).to_bytes(2)
    else:
        length = bytes([masked | 127]) + len(payload).to_bytes(8)
    if mask:
        payload = mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return bytes([0b1000_0000 | opcode]) + length + payload
