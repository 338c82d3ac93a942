import asyncio


async def relay(reader, writer, upstream):
    writers = [writer]
    ended_well = False
    try:
        up_reader, up_writer = await asyncio.open_connection(*upstream)
        writers.append(up_writer)
        async with asyncio.TaskGroup() as group:
            group.create_task(pass_on(reader, up_writer))
            group.create_task(pass_on(up_reader, writer))
        ended_well = True
    except* OSError:
        pass  # refused, or reset: this client's end, and nobody else's
    finally:
        for each in writers:
            # close() would wait for a peer that does not read to take what is unsent.
            each.close() if ended_well else each.transport.abort()


async def pass_on(reader, writer):
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()
