"""A token that a server asks for before anything else: whoever has it is let in.

Three ways lead in, because three kinds of clients come:

- The link, `http://HOST:PORT/?token=…`, which a person opens or scans. The answer is a cookie, and
  the same page without the token in its address: it is then in no history, in no picture of the
  screen, and in no `Referer`. Every request that the page makes after that carries the cookie by
  itself, its scripts, polls and WebSocket too, which a page could not give a header.
- The header `Authorization: Bearer …` (RFC 6750, 2.1), which programs send. It is in no address,
  so that no proxy on the way writes it into its log.
- `?token=…` in any other request, for programs that can set nothing but an address.

The cookie is not the token: "Cookies do not provide isolation by port" (RFC 6265, 8.5), so every
server on the same host is sent it. Its value is good for this token's servers and says nothing of
the token. It is the same after a restart, so that pages come back by themselves. `SameSite=Lax`
keeps it from what other sites' pages ask for; `Strict` would not survive the way from a link on
another site, a course page say, over our redirect.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from html import escape
from importlib import resources
from urllib.parse import parse_qs

from netlab.transports.web import Page, answer, page_headers

MIN_LENGTH = 8
MAX_LENGTH = 128
_TOKEN = re.compile(rf"[A-Za-z0-9._~-]{{{MIN_LENGTH},{MAX_LENGTH}}}")  # RFC 3986, 2.3: unreserved
_LONGEST_QUERY = 4_096

HEADERS = ("authorization", "cookie")
"""the headers that `Access` wants to see, in lower case"""
Headers = Mapping[str, Sequence[str]]


def check_token(token: str) -> str:
    """Return the token if it can be one.

    Raises:
        ValueError: it is too short or too long, or cannot stand in a link as it is.
    """
    if _TOKEN.fullmatch(token):
        return token
    # Not quoted: it may be somebody's password, and errors are shown to many.
    raise ValueError(
        f"a token of {len(token)} characters that cannot be used: it has {MIN_LENGTH} to "
        f"{MAX_LENGTH} letters (A-Z, a-z), digits or . _ ~ -"
    )


def bearer(token: str | None) -> dict[str, str]:
    """Return the header with which a client shows the token (RFC 6750, 2.1); None: it has none.

    Raises:
        ValueError: the token cannot be one.
    """
    return {} if token is None else {"Authorization": f"Bearer {check_token(token)}"}


class Access:
    """Who is let in: whoever shows the token, or the cookie that was given for it.

    Args:
        token: see `check_token`.
        purpose: what it opens; a cookie for one purpose is good for no other.

    Raises:
        ValueError: the token cannot be one.
    """

    def __init__(self, token: str, purpose: str = "class") -> None:
        self._token = check_token(token).encode()
        key = blake2b(self._token, person=b"netlab access").digest()
        made = blake2b(purpose.encode(), key=key, digest_size=24).hexdigest()
        # A name for each token: two servers on one host do not take each other's cookie away.
        self._name, self._value = f"netlab_{made[:8]}", made[8:]

    def admits(self, query: str, headers: Headers) -> bool:
        """Tell whether a request shows the token or its cookie.

        Args:
            query: of the request's address, without `?`.
            headers: by lower-case name; those of `HEADERS` count.
        """
        return (
            self.is_in_query(query)
            or any(map(self._is_bearer, headers.get("authorization", ())))
            or any(map(self._is_in_cookies, headers.get("cookie", ())))
        )

    def is_in_query(self, query: str) -> bool:
        """Tell whether an address shows the token."""
        tokens = _tokens(query)
        return len(tokens) == 1 and _same(tokens[0], self._token)

    def cookie(self, *, secure: bool) -> str:
        """Return the header `Set-Cookie` for who has shown the token.

        Without `Path` it is for the folder of the page (RFC 6265, 5.1.4): behind JupyterLab's
        proxy that is `/proxy/PORT/`, and JupyterLab itself does not get it.
        """
        return f"{self._name}={self._value}; HttpOnly; SameSite=Lax" + "; Secure" * secure

    def welcome(self, query: str, *, page: str = "", secure: bool) -> Page | None:
        """Return the answer to who comes by the link: the cookie, and the way on.

        None: the link was not used, so the request is served as it is.

        Args:
            query: of the request.
            page: name of the page that is asked for; `""` is the one at `/`.
            secure: it came by TLS.
        """
        if not self.is_in_query(query):
            return None
        found = answer(303, "Come in.")  # which is never kept (RFC 9110, 15.4.4)
        # Relative, as this server may stand below any path; and of what was sent, nothing.
        way_on = {"Location": f"./{page}", "Set-Cookie": self.cookie(secure=secure)}
        return Page(303, {**found.headers, **way_on}, found.body)

    def _is_bearer(self, header: str) -> bool:
        scheme, _, token = header.partition(" ")
        return scheme.lower() == "bearer" and _same(token.strip(), self._token)

    def _is_in_cookies(self, header: str) -> bool:
        pairs = (pair.strip().partition("=") for pair in header.split(";"))
        found = [value for name, _, value in pairs if name == self._name]
        return any(_same(value, self._value.encode()) for value in found)


def refusal(query: str, headers: Headers, *, what: str, wants_page: bool) -> Page:
    """Return the answer to who has not shown the token; it shows nothing that was sent.

    Args:
        query, headers: of the request: they say whether a token came at all.
        what: what the token opens, as in "the class".
        wants_page: a person asks, with a browser; else a program.
    """
    came = _tokens(query) or headers.get("authorization")
    problem = f"That is not the token for {what}." if came else f"A token opens {what}."
    if not wants_page:
        return answer(
            403,
            f"{problem} Show it with the header Authorization: Bearer TOKEN (netlab's clients: "
            "token=...) or in the address, ?token=TOKEN",
        )
    file = resources.files(__package__).joinpath("class_pages", "token.html")
    body = file.read_text(encoding="utf-8").replace("{problem}", escape(problem)).encode()
    found = page_headers()
    policy = found["Content-Security-Policy"].replace("form-action 'none'", "form-action 'self'")
    html = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(body))}
    return Page(403, {**found, **html, "Content-Security-Policy": policy}, body)


def _tokens(query: str) -> list[str]:
    if len(query) > _LONGEST_QUERY:
        return []
    try:
        return parse_qs(query, keep_blank_values=True, max_num_fields=20).get("token", [])
    except ValueError:  # more fields than that
        return []


def _same(came: str, right: bytes) -> bool:
    # In constant time: how long a comparison takes must not tell how much was right.
    return hmac.compare_digest(came.encode(errors="replace"), right)
