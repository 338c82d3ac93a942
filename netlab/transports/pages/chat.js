// The chat page: shows what the server says, sends what you type. How they get there, link.js knows.
//
// Whatever comes from others is shown with textContent and never as HTML: a name or a message is
// text, whatever it looks like. (Behind JupyterLab's proxy, a script that ran here could use your
// kernel.)

import { connect } from "./link.js";

const LONGEST_LOG = 500; // messages kept on the page
const LIST_EVERY_MS = 300; // the lists are asked for again at most that often
// After these the page does not come back by itself.
const FOR_GOOD = { bye: "You left.", replaced: "You came back elsewhere." };

const byId = (id) => document.getElementById(id);
const form = { join: byId("join"), say: byId("say") };
const field = { name: byId("name"), room: byId("room"), text: byId("text") };

const me = { id: "", name: "", secret: "" };
let room = ""; // the one shown; also the one to come back into
let wanted = ""; // the one asked for
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
    if (introduced && !message.resumed) comeBack();
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
    if (message.room !== room) clearLog();
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
    if (message.room === room) note(text(message.username, "name"), " left");
    askForLists();
  },
  room_message(message) {
    if (message.room !== room || shown.has(message.id)) return;
    shown.add(message.id);
    say(message.timestamp, message.from, message.content);
  },
  private_message(message) {
    say(message.timestamp, message.from, message.content, " (to you alone)");
  },
  broadcast(message) {
    say(message.timestamp, message.from, message.content, " (to everybody)");
  },
  client_list(message) {
    const here = message.clients.filter((client) => room && client.rooms.includes(room));
    fill(byId("users"), here, (item, client) => {
      item.append(text(client.username, "name"));
      if (client.client_id === me.id) item.append(" (you)");
    });
  },
  room_list(message) {
    fill(byId("rooms"), message.rooms, (item, { name, members_count: count }) => {
      const button = document.createElement("button");
      button.className = "plain";
      button.append(text(name));
      button.setAttribute("aria-label", `Join the room ${name}`);
      button.addEventListener("click", () => join(name));
      item.append(button, ` ${count}`);
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
  if (content.trim() && link.send("room_message", { room, content })) field.text.value = "";
});

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
  }, LIST_EVERY_MS);
}

// ---------------------------------------------------------------- what you see

function text(content, className = "") {
  const place = document.createElement("bdi"); // keeps right-to-left text from turning the rest
  place.className = className;
  place.textContent = content;
  return place;
}

function say(timestamp, from, content, remark = "") {
  const time = document.createElement("time");
  time.dateTime = timestamp;
  time.textContent = new Date(timestamp).toLocaleTimeString([], { timeStyle: "short" });
  addLine("", time, " ", text(from, "name"), `${remark}: `, text(content));
}

function note(...parts) {
  addLine("notice-line", ...parts);
}

function addLine(className, ...parts) {
  const log = byId("log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const line = document.createElement("li");
  line.className = className;
  line.append(...parts);
  log.append(line);
  while (log.children.length > LONGEST_LOG) log.firstChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight; // who reads what went before is left in peace
}

function clearLog() {
  byId("log").replaceChildren();
  shown.clear();
}

function fill(list, values, draw) {
  list.replaceChildren(
    ...values.map((value) => {
      const item = document.createElement("li");
      draw(item, value);
      return item;
    }),
  );
}

function enable(on) {
  const ready = on && room !== "";
  for (const control of form.say.elements) control.disabled = !ready;
}

function problem(sentence) {
  byId("problem").textContent = sentence;
  byId("problem").hidden = !sentence;
}
