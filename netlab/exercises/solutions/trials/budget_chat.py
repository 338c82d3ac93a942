import asyncio
import re

MAX_LINE_BYTES = 4_096
MAX_UNSENT_BYTES = 256 * 1024
NAME = re.compile(rb"[A-Za-z0-9]{1,16}")


async def budget_chat(listener):
    room = Room()
    server = await asyncio.start_server(room.serve, sock=listener, limit=MAX_LINE_BYTES - 1)
    await server.serve_forever()


class Room:
    def __init__(self):
        self.members = {}  # the name of each, by what writes to it

    async def serve(self, reader, writer):
        try:
            writer.write(b"* Welcome! What is your name?\n")
            name = await line_from(reader)
            if not NAME.fullmatch(name):
                writer.write(b"* A name has 1 to 16 letters and digits. Goodbye!\n")
                return
            await self.talk(name, reader, writer)
        except (EOFError, ValueError, OSError):
            pass  # it ended, with or without an unfinished line; it was too long; it vanished
        finally:
            writer.close()

    async def talk(self, name, reader, writer):
        self.say(b"* %s has come" % name)
        writer.write(b"* Here are: %s\n" % b", ".join(self.members.values()))
        self.members[writer] = name
        try:
            while True:
                text = await line_from(reader)
                self.say(b"[%s] %s" % (name, text), writer)
        finally:
            del self.members[writer]
            self.say(b"* %s has gone" % name)

    def say(self, line, sender=None):
        for writer in self.members.keys() - {sender}:
            writer.write(line + b"\n")
            # Nobody waits for a member that does not read: it is put out instead.
            if writer.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
                writer.transport.abort()


async def line_from(reader):
    return (await reader.readuntil(b"\n"))[:-1]
