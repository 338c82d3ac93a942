def udp_echo(sock):
    while True:
        data, client = sock.recvfrom(65_536)
        sock.sendto(data, client)
