"""The pure core: bytes in, decisions out. No socket, no thread, no clock, no randomness."""
