import base64
import binascii
import hashlib

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def upgrade(headers):
    words = {word.strip().lower() for word in headers.get("connection", "").split(",")}
    if headers.get("upgrade", "").lower() != "websocket" or "upgrade" not in words:
        return 400, None
    if headers.get("sec-websocket-version") != "13":
        return 426, None
    key = headers.get("sec-websocket-key", "")
    if not is_key(key):
        return 400, None
    if "origin" in headers and headers["origin"] != f"http://{headers['host']}":
        return 403, None
    return 101, base64.b64encode(hashlib.sha1((key + MAGIC).encode()).digest()).decode()


def is_key(key):
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        return False
