import socket
import ssl

HOST_MISMATCH = {62, 64}  # a name, a numeric address
EXPIRED = {9, 10}  # not yet, not any more


def diagnose(address, hostname, ca_pem, timeout_s):
    context = ssl.create_default_context(cadata=ca_pem)
    try:
        with (
            socket.create_connection(address, timeout_s) as sock,
            context.wrap_socket(sock, server_hostname=hostname),
        ):
            return "ok"
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in HOST_MISMATCH:
            return "wrong host"
        if error.verify_code in EXPIRED:
            return "not valid now"
        return "unknown authority"
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError):
        return "hung up"
    except ssl.SSLError:
        return "not TLS"
    except ConnectionRefusedError:
        return "nobody"
    except TimeoutError:
        return "silence"
