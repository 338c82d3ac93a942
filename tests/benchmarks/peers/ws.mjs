// Rooms over WebSocket, with Node's `ws`.
import { createRequire } from "node:module";

const { WebSocketServer } = createRequire(process.argv[2])("ws");
const everybody = new Set();
const rooms = new Map();
const server = new WebSocketServer({
  host: "127.0.0.1", port: 0, backlog: 1024, perMessageDeflate: false,
});

function sendTo(receivers, message) {
  const text = JSON.stringify(message);
  for (const one of receivers) one.send(text);
}

server.on("connection", (socket) => {
  const joined = [];
  everybody.add(socket);
  socket.on("message", (data) => {
    const message = JSON.parse(data);
    switch (message.type) {
      case "join_room":
        if (!rooms.has(message.room)) rooms.set(message.room, new Set());
        rooms.get(message.room).add(socket);
        joined.push(message.room);
        sendTo([socket], { type: "room_joined", room: message.room });
        break;
      case "room_message":
        sendTo(rooms.get(message.room), message);
        break;
      case "text":
        sendTo(everybody, { type: "broadcast", content: message.content });
        break;
      case "ping":
        sendTo([socket], { type: "pong", ref: message.ref });
    }
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    everybody.delete(socket);
    for (const room of joined) rooms.get(room).delete(socket);
  });
});
server.on("listening", () => console.log(`listening on 127.0.0.1:${server.address().port}`));
