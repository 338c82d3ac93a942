import contextlib
import threading


def secure_lines(listener, context, answer):
    while True:
        connection, _ = listener.accept()
        arguments = [connection, context, answer]
        threading.Thread(target=serve_one, args=arguments, daemon=True).start()


def serve_one(connection, context, answer):
    with connection, contextlib.suppress(OSError):  # an ssl.SSLError is an OSError, too
        secure = context.wrap_socket(connection, server_side=True, suppress_ragged_eofs=False)
        with secure, secure.makefile("rb") as lines:
            for line in lines:  # FIN without close_notify raises ssl.SSLEOFError here
                secure.sendall(answer(line))
            secure.unwrap()  # sends close_notify
