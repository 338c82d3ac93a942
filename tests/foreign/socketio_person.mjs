// Somebody on the official socket.io-client, moved by lines of JSON on stdin:
//
//   ["emit", type, fields]  ["call", type, fields]  ["packet", text]  ["transport"]  ["cut"]
//   ["close"]
//
// What happens is printed, a line of JSON each: {"event": type, ...fields}, {"ack": …},
// {"connected": true}, {"disconnected": reason}, {"refused": message}, {"transport": name},
// {"upgraded": name}.

import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const [url, options] = process.argv.slice(2);
const tell = (fact) => console.log(JSON.stringify(fact));
let secret;

const socket = io(url, {
  ...JSON.parse(options),
  reconnectionDelay: 50,
  reconnectionDelayMax: 100,
  auth: (answer) => answer({ ...JSON.parse(options).auth, ...(secret && { resume: secret }) }),
});
const transport = () => socket.io.engine.transport.name;

socket.io.on("open", () => {
  tell({ transport: transport() });
  socket.io.engine.once("upgrade", () => tell({ upgraded: transport() }));
});
socket.on("connect", () => tell({ connected: true }));
socket.on("disconnect", (reason) => tell({ disconnected: reason }));
socket.on("connect_error", (error) => tell({ refused: error.message }));
socket.onAny((type, fields) => {
  if (type === "welcome") secret = fields.secret;
  tell({ event: type, ...fields });
});

createInterface({ input: process.stdin }).on("line", async (line) => {
  const [what, type, fields] = JSON.parse(line);
  if (what === "emit") socket.emit(type, ...(fields === undefined ? [] : [fields]));
  if (what === "call") tell({ ack: await socket.timeout(5000).emitWithAck(type, fields) });
  if (what === "transport") tell({ transport: transport() });
  if (what === "packet") socket.io.engine.write(type); // of Socket.IO, as it stands
  if (what === "cut") socket.io.engine.close();
  if (what === "close") socket.close();
});
