import contextlib
import ssl
import threading

MAX_LINE_BYTES = 65_536


def tls_echo(listener, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # was set in Python before 3.11.4
    context.load_cert_chain(certificate)
    context.sni_callback = refuse_strangers
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve_one, args=[connection, context], daemon=True).start()


def refuse_strangers(_, name, __):
    known = name in (None, "localhost")
    return None if known else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


def serve_one(connection, context):
    with connection, contextlib.suppress(OSError):  # ssl.SSLError is one
        # A FIN that no close_notify announced is to be an error, and not an end like another.
        secure = context.wrap_socket(connection, server_side=True, suppress_ragged_eofs=False)
        with secure, secure.makefile("rb") as stream:
            while line := stream.readline(MAX_LINE_BYTES):
                if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                    return  # too long
                secure.sendall(line)
            secure.unwrap()  # sends close_notify
