"""`page(server)`: a link to the page that a server offers to browsers, on this machine or a hub.

panels.page(WebSocketServer(...))
"""

from __future__ import annotations

import os
from html import escape
from typing import Any

from netlab.lab.panels.parts import html, view_of


class PageLink:
    """A link that opens in a window of its own.

    Args:
        server: what has an `address`, or host and port.
        label: what the link says.
    """

    def __init__(self, server: Any, label: str = "Open the chat page") -> None:
        host, port = getattr(server, "address", server)[:2]
        host = f"[{host}]" if ":" in host else host  # IPv6: RFC 3986, 3.2.2
        prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "")
        # A hub (Binder is one) shows the world one port only; jupyter-server-proxy leads on.
        self.url = f"{prefix}proxy/{port}/" if prefix else f"http://{host}:{port}/"
        self.label = label
        self.link = html(
            f'<a href="{escape(self.url)}" target="_blank" rel="noopener" '
            'style="color:var(--jp-content-link-color,#0a5bc4);text-decoration:underline">'
            f"{escape(label)}</a> (in a new tab)"
        )

    def __repr__(self) -> str:
        return f"{self.label} (a link in JupyterLab: run this cell)"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {**view_of(self.link), "text/plain": repr(self)}


def page(server: Any, label: str = "Open the chat page") -> PageLink:
    """Return a link to the page that `server` offers to browsers."""
    return PageLink(server, label)
