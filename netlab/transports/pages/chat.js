// The chat page: shows what the server says, sends what you type. How they get there, link.js knows.

import { makeGames } from "./games.js";
import { connect } from "./link.js";
import { clear, markAsEarlier, note, say } from "./log.js";
import { makeTyping } from "./typing.js";
import { button, byId, fill, text } from "./view.js";

const LIST_EVERY_MS = 300; // the lists are asked for again at most that often
// After these the page does not come back by itself.
const FOR_GOOD = {
  bye: "You left.",
  replaced: "You came back elsewhere.",
  kicked: "The teacher has sent you away.",
};

const form = { join: byId("join"), say: byId("say") };
const field = { name: byId("name"), room: byId("room"), text: byId("text") };

const me = { id: "", name: "", secret: "" };
let room = ""; // the one shown; also the one to come back into
let wanted = ""; // the one asked for
let alone = null; // whom alone the next message is for: {id, name}; null: everybody in the room
let introduced = true; // false while the answer to our `hello` is awaited
let listing = null; // the timer of the next question for the lists
const shown = new Set(); // ids of messages on the page

// ---------------------------------------------------------------- what the server says

const handlers = {
  welcome(message) {
    [me.id, me.name, me.secret] = [message.client_id, message.username, message.secret];
    field.name.placeholder = me.name;
    if (message.ref === "hello") introduced = true;
    // Where the server still knew us, it brings us back into our rooms by itself.
    if (introduced && !message.resumed) {
      if (message.ref === "hello") markAsEarlier();
      comeBack();
    }
    askForLists();
  },
  username_set(message) {
    me.name = message.username;
    field.name.placeholder = me.name;
    askForLists();
  },
  user_renamed(message) {
    note(text(message.old_username, "name"), " is now called ", text(message.username, "name"));
    askForLists();
  },
  room_joined(message) {
    if (message.room !== room) {
      clear();
      shown.clear();
    }
    typing.nobody();
    room = wanted = message.room;
    byId("room-title").textContent = `Room ${room}`;
    for (const old of message.message_history) handlers.room_message(old);
    note("You are in. Here now: ", String(message.members_count));
    enable(true);
    askForLists();
  },
  room_left(message) {
    if (message.room === room) leaveRoom();
    askForLists();
  },
  user_joined(message) {
    if (message.room === room) note(text(message.username, "name"), " joined");
    askForLists();
  },
  user_left(message) {
    typing.ends(message.client_id);
    if (message.client_id === alone?.id) talkTo(null);
    if (message.room === room) note(text(message.username, "name"), " left");
    askForLists();
  },
  room_message(message) {
    if (message.room !== room || shown.has(message.id)) return;
    shown.add(message.id);
    typing.ends(message.from_id);
    say(message.timestamp, message.from, message.content);
  },
  private_message(message) {
    say(message.timestamp, message.from, message.content, " (to you alone)");
  },
  private_message_sent(message) {
    say(message.timestamp, me.name, message.content, ` (to ${message.to} alone)`);
  },
  user_typing(message) {
    if (message.room === room) typing.begins(message);
  },
  user_stop_typing(message) {
    if (message.room === room) typing.ends(message.client_id);
  },
  broadcast(message) {
    say(message.timestamp, message.from, message.content, " (to everybody)");
  },
  client_list(message) {
    const here = message.clients.filter((client) => room && client.rooms.includes(room));
    fill(byId("users"), here, (item, client) => {
      if (client.client_id === me.id) return item.append(text(client.username, "name"), " (you)");
      const whom = { id: client.client_id, name: client.username };
      const label = `Write to ${client.username} alone`;
      item.append(button(label, () => talkTo(whom), text(client.username, "name")));
    });
  },
  room_list(message) {
    fill(byId("rooms"), message.rooms, (item, { name, members_count: count }) => {
      item.append(button(`Join the room ${name}`, () => join(name), text(name)), ` ${count}`);
    });
  },
  error(message) {
    problem(message.message);
    if (message.in_reply_to !== "hello") return;
    introduced = true; // not under the old name, then
    comeBack();
  },
  closing(message) {
    if (!(message.code in FOR_GOOD)) return;
    problem(`${FOR_GOOD[message.code]} Reload the page to come back.`);
    link.close();
  },
  heartbeat() {
    link.send("ping", { ref: "heartbeat" }); // or the server would think that nobody is here
  },
};

const states = {
  connecting: () => "Connecting …",
  open: () => "Connected",
  waiting: ({ reason, seconds }) =>
    `Not connected: ${reason}. Trying again in ${Math.ceil(seconds)} s`,
  closed: () => "Not connected",
};

const games = makeGames((type, fields) => link.send(type, fields), me, note);
const typing = makeTyping((type, fields) => link.send(type, fields));
Object.assign(handlers, games.handlers);

const link = connect(
  (message) => handlers[message.type]?.(message),
  (state, detail) => {
    byId("state").dataset.state = state;
    byId("state").textContent = states[state](detail);
    if (state !== "open") enable(false);
  },
  () => {
    if (!me.secret) return null;
    introduced = false;
    // The secret, for a server that still knows us; the name, for one that was started anew.
    return { resume: me.secret, username: me.name, ref: "hello" };
  },
);

// ---------------------------------------------------------------- what you do

form.join.addEventListener("submit", (event) => {
  event.preventDefault();
  join(field.room.value);
  field.text.focus();
});

form.say.addEventListener("submit", (event) => {
  event.preventDefault();
  problem("");
  const content = field.text.value;
  const [type, to] = alone ? ["private_message", { target: alone.id }] : ["room_message", { room }];
  if (!content.trim() || !link.send(type, { ...to, content })) return;
  field.text.value = "";
  typing.stop(room);
});

field.text.addEventListener("input", () => {
  // Whom you write to alone is nobody else's business.
  if (!alone) typing.typed(room, !field.text.value);
});

byId("everybody").addEventListener("click", () => talkTo(null));

function talkTo(whom) {
  typing.stop(room);
  alone = whom;
  document.querySelector("label[for=text]").textContent = alone ? `To ${alone.name} alone` : "Message";
  byId("everybody").hidden = !alone;
  field.text.focus();
}

function join(name) {
  problem("");
  const username = field.name.value.trim();
  if (username && username !== me.name) link.send("set_username", { username });
  field.room.value = wanted = name;
  if (name === room) return;
  if (room) link.send("leave_room", { room });
  if (!link.send("join_room", { room: name })) problem("Not connected: you will join later.");
}

function comeBack() {
  if (wanted) link.send("join_room", { room: wanted });
}

function leaveRoom() {
  room = "";
  byId("room-title").textContent = "No room yet";
  enable(false);
}

function askForLists() {
  listing ??= setTimeout(() => {
    listing = null;
    link.send("list_clients");
    link.send("list_rooms");
    games.refresh();
  }, LIST_EVERY_MS);
}

// ---------------------------------------------------------------- what you see

function enable(on) {
  const ready = on && room !== "";
  for (const control of form.say.elements) control.disabled = !ready;
}

function problem(sentence) {
  byId("problem").textContent = sentence;
  byId("problem").hidden = !sentence;
}
