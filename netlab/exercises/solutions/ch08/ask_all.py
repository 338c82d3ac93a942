import asyncio


async def ask_all(addresses, question, timeout_s):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(*address, question, timeout_s)) for address in addresses]
    return [task.result() for task in tasks]


async def ask(host, port, question, timeout_s):
    writer = None
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(f"{question}\n".encode())
            line = await reader.readline()
    except (OSError, TimeoutError):
        return None
    finally:
        if writer is not None:
            writer.close()
    return line.decode().removesuffix("\n") if line.endswith(b"\n") else None
