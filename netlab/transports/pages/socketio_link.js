// The link over Socket.IO; websocket_link.js says what a link is.
//
// An event's name is the message's type, its one argument the other fields. The library is the
// official one: from this server where it is installed there, else from its makers' network, and
// nowhere but from these two (the Content-Security-Policy says so as well). Wherever it comes from,
// the browser runs it only if it has this hash.

const LIBRARY = {
  addresses: ["vendor/socket.io.min.js", "https://cdn.socket.io/4.8.1/socket.io.min.js"],
  integrity: "sha384-mkQ3/7FUtcGyoppY6bz/PORYoGqOl7/aSUMn2ymDOJcapfS6PHqxhRTMh1RR0Q6+",
};
const FIRST_WAIT_S = 1;
const LONGEST_WAIT_S = 15;

export function connect(onMessage, onState, hello) {
  let socket = null;
  let timer = null;
  let failures = 0;
  let over = false;
  let reason = ""; // what the server said when it closed

  async function open() {
    onState("connecting", {});
    reason = "";
    try {
      await loadLibrary();
    } catch (error) {
      return lost(error.message);
    }
    if (over) return;
    socket ??= makeSocket();
    socket.connect();
  }

  function makeSocket() {
    const made = globalThis.io(location.origin, {
      // Relative to the page, so that a proxy's prefix stays in it.
      path: new URL("socket.io/", document.baseURI).pathname,
      auth: (answer) => answer(hello() ?? {}), // asked for each new connection
      autoConnect: false,
      reconnection: false, // we wait ourselves, to be able to say for how long
    });
    made.on("connect", () => onState("open", {}));
    made.on("connect_error", (error) => lost(error.message));
    made.on("disconnect", (why) => lost(reason || why));
    made.onAny((type, fields) => {
      failures = 0; // a server that accepts and says nothing is no success
      if (type === "closing") reason = fields.reason;
      onMessage({ ...fields, type });
    });
    return made;
  }

  function lost(why) {
    if (over) return onState("closed", { reason: why });
    const longest = Math.min(FIRST_WAIT_S * 2 ** failures, LONGEST_WAIT_S);
    failures += 1;
    // Not all at once: a server that comes back would be overrun by those who waited for it.
    const seconds = longest * (0.5 + Math.random() / 2);
    clearTimeout(timer);
    timer = setTimeout(open, seconds * 1000);
    onState("waiting", { reason: why, seconds });
  }

  function send(type, fields) {
    if (socket === null || !socket.connected) return false; // the library would keep it for later
    socket.emit(type, fields ?? {});
    return true;
  }

  function close() {
    over = true;
    clearTimeout(timer);
    if (socket?.connected) socket.disconnect(); // which is told to `lost`
    else onState("closed", { reason: "" });
  }

  open();
  return { send, close };
}

async function loadLibrary() {
  for (const address of LIBRARY.addresses) {
    if (globalThis.io || (await load(address))) return;
  }
  throw new Error("the Socket.IO library could not be loaded, neither from here nor from its makers");
}

function load(address) {
  return new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = new URL(address, document.baseURI);
    script.integrity = LIBRARY.integrity;
    script.crossOrigin = "anonymous"; // without it a hash cannot be checked across origins
    script.onload = () => resolve(true);
    script.onerror = () => {
      script.remove();
      resolve(false);
    };
    document.head.append(script);
  });
}
