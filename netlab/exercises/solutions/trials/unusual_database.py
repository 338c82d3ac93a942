def unusual_database(sock):
    store = {b"version": b"the netlab database, 1.0"}
    while True:
        request, client = sock.recvfrom(65_536)
        key, equals, value = request.partition(b"=")
        if not equals:
            sock.sendto(key + b"=" + store.get(key, b""), client)
        elif key != b"version":
            store[key] = value
