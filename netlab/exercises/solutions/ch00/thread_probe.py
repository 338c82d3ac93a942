import threading


def thread_probe(cell):
    before = set(threading.enumerate())
    cell()
    new = set(threading.enumerate()) - before
    assert not new, f"the cell left {len(new)} thread(s) running"
