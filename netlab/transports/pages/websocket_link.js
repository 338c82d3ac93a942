// A link carries messages between the page and the server. Each transport has one, and the server
// serves its own as link.js; chat.js knows no other. The interface, the same for all:
//
//   connect(onMessage, onState, hello) -> {send(type, fields), close()}
//
//   onMessage(message)      what the server sent: an object with `type`, as on every transport
//   onState(state, detail)  "connecting"; "open"; "waiting" (lost: it tries again in
//                           detail.seconds, detail.reason says why); "closed" (for good)
//   hello()                 called for each new connection: the fields of the request `hello` with
//                           which to introduce oneself, or null for none
//   send(type, fields)      sends a request; returns false where there is no connection to send by
//   close()                 ends the connection for good
//
// This one: WebSocket (RFC 6455), one JSON object a text message.

const FIRST_WAIT_S = 1;
const LONGEST_WAIT_S = 15;

export function connect(onMessage, onState, hello) {
  // Relative to the page, so that a proxy's prefix stays in it.
  const address = new URL(".", document.baseURI);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  let socket = null;
  let timer = null;
  let failures = 0;
  let over = false;

  function open() {
    onState("connecting", {});
    let reason = "";
    socket = new WebSocket(address);
    socket.onopen = () => {
      onState("open", {});
      const fields = hello();
      if (fields !== null) send("hello", fields);
    };
    socket.onmessage = (event) => {
      const message = JSON.parse(event.data);
      failures = 0; // a server that accepts and says nothing is no success
      if (message.type === "closing") reason = message.reason;
      onMessage(message);
    };
    socket.onclose = (event) => lost(reason || event.reason || reasonOf(event.code));
  }

  function lost(reason) {
    socket = null;
    if (over) return onState("closed", { reason });
    const longest = Math.min(FIRST_WAIT_S * 2 ** failures, LONGEST_WAIT_S);
    failures += 1;
    // Not all at once: a server that comes back would be overrun by those who waited for it.
    const seconds = longest * (0.5 + Math.random() / 2);
    timer = setTimeout(open, seconds * 1000);
    onState("waiting", { reason, seconds });
  }

  function send(type, fields) {
    if (socket === null || socket.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify({ type, ...fields }));
    return true;
  }

  function close() {
    over = true;
    clearTimeout(timer);
    if (socket === null) onState("closed", { reason: "" });
    else socket.close(1000);
  }

  open();
  return { send, close };
}

// RFC 6455, 7.4.1. A browser does not tell a page why a connection could not be made: it is 1006.
function reasonOf(code) {
  return code === 1006 ? "the connection was lost" : `the connection was closed (code ${code})`;
}
