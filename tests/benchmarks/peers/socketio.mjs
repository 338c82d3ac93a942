// Rooms over Socket.IO, with Node's `socket.io` and its own rooms.
import { createRequire } from "node:module";
import { createServer } from "node:http";

const { Server } = createRequire(process.argv[2])("socket.io");
const http = createServer();
const io = new Server(http);

io.on("connection", (socket) => {
  socket.on("join_room", ({ room }) => {
    socket.join(room);
    socket.emit("room_joined", { room });
  });
  socket.on("room_message", (message) => io.to(message.room).emit("room_message", message));
  socket.on("text", (message) => io.emit("broadcast", message));
  socket.on("ping", ({ ref }) => socket.emit("pong", { ref }));
});
http.listen({ host: "127.0.0.1", port: 0, backlog: 1024 }, () => {
  console.log(`listening on 127.0.0.1:${http.address().port}`);
});
