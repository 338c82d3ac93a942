import queue


def submit_or_refuse(jobs, job):
    try:
        jobs.put_nowait(job)
    except queue.Full:
        return False
    return True
