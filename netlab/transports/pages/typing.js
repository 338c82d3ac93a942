// Who is typing: yours is told while you type, theirs is shown until they stop.

import { byId, text } from "./view.js";

const TELL_AGAIN_MS = 4000; // while you go on typing
const PAUSE_MS = 3000; // without a key, after which you are no longer typing
const FORGET_MS = 10000; // a sign that is not renewed is forgotten: whoever typed may be gone

export function makeTyping(send) {
  const others = new Map(); // id -> {name, timer}
  let toldAt = null; // when the room was told that you type; null: it has not been
  let pause = null;

  function typed(room, isEmpty) {
    clearTimeout(pause);
    if (!room) return;
    if (isEmpty) return stop(room);
    if (toldAt === null || Date.now() - toldAt > TELL_AGAIN_MS) {
      toldAt = Date.now();
      send("typing_start", { room });
    }
    pause = setTimeout(() => stop(room), PAUSE_MS);
  }

  function stop(room) {
    clearTimeout(pause);
    if (toldAt === null) return;
    toldAt = null;
    send("typing_stop", { room });
  }

  function begins({ client_id: id, username }) {
    clearTimeout(others.get(id)?.timer);
    others.set(id, { name: username, timer: setTimeout(() => ends(id), FORGET_MS) });
    show();
  }

  function ends(id) {
    clearTimeout(others.get(id)?.timer);
    if (others.delete(id)) show();
  }

  function nobody() {
    for (const { timer } of others.values()) clearTimeout(timer);
    others.clear();
    toldAt = null;
    clearTimeout(pause);
    show();
  }

  function show() {
    const names = [...others.values()].map(({ name }) => text(name, "name"));
    const parts = names.flatMap((name, number) => (number ? [", ", name] : [name]));
    if (names.length) parts.push(names.length > 1 ? " are typing …" : " is typing …");
    byId("typing").replaceChildren(...parts);
  }

  return { typed, stop, begins, ends, nobody };
}
