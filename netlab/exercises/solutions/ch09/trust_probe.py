import datetime

import trustme


def trust_probe(connect, serve):
    ours, theirs = trustme.CA(), trustme.CA()
    ca_pem = ours.cert_pem.bytes().decode()
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    long_ago = yesterday - datetime.timedelta(days=30)

    def believes(leaf):
        with serve(leaf) as address:
            try:
                connect(address, "chat.example", ca_pem).close()
            except OSError:
                return False
            return True

    assert believes(ours.issue_cert("chat.example")), "refuses the right one"
    assert not believes(theirs.issue_cert("chat.example")), "believes any authority"
    assert not believes(ours.issue_cert("other.example")), "believes anybody's name"
    expired = ours.issue_cert("chat.example", not_before=long_ago, not_after=yesterday)
    assert not believes(expired), "believes what has expired"
