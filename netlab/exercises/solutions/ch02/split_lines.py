def split_lines(tail, data):
    *lines, tail = (tail + data).split(b"\n")
    return lines, tail
