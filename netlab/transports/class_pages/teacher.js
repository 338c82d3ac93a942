// The teacher's page: asks who is here every other second, and shows it; mutes and sends away.
//
// A row stays the same element for as long as its person is here, so that a click hits what was
// aimed at, and the keyboard's focus stays where it is. Names are set as text, never as markup.

const EVERY_MS = 2000;
const PATIENCE_MS = 10000;
const base = new URL("teacher/", document.baseURI); // a proxy's prefix stays in it

const byId = (id) => document.getElementById(id);
const rows = new Map(); // by client_id
let timer = null;

// ---------------------------------------------------------------- asking

async function refresh() {
  clearTimeout(timer);
  if (!document.hidden) await ask("people");
  clearTimeout(timer); // another refresh may have begun meanwhile
  timer = setTimeout(refresh, EVERY_MS);
}

async function ask(name, options = {}) {
  let response;
  try {
    response = await fetch(new URL(name, base), {
      ...options,
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (response.ok) show(await response.json());
    else problem(await response.text());
  } catch {
    state("waiting", "Not connected: the server does not answer. Trying again");
    return false;
  }
  if (response.ok) state("open", "Connected");
  return response.ok;
}

async function act(action, person, done) {
  problem("");
  const body = JSON.stringify({ action, client_id: person.client_id });
  const headers = { "Content-Type": "application/json" };
  if (!(await ask("act", { method: "POST", headers, body }))) return refresh(); // may be gone
  const name = document.createElement("bdi"); // right-to-left text does not turn the rest
  name.textContent = person.username;
  byId("done").replaceChildren(name, ` ${done}`);
}

// ---------------------------------------------------------------- showing

function show({ people, join_link: link, has_qr_code: hasCode }) {
  const here = new Set(people.map((person) => person.client_id));
  for (const [id, row] of rows) {
    if (here.has(id)) continue;
    // Else the focus would be nowhere, and the keyboard begin at the top of the page.
    if (row.element.contains(document.activeElement)) byId("here").focus();
    row.element.remove();
    rows.delete(id);
  }
  for (const person of people) {
    if (!rows.has(person.client_id)) rows.set(person.client_id, makeRow());
    rows.get(person.client_id).show(person);
  }
  const number = people.length;
  byId("here").textContent = number ? `Who is here: ${number}` : "Who is here";
  byId("nobody").hidden = number > 0;
  byId("scroll").hidden = number === 0;
  byId("join").hidden = !link;
  setText(byId("link"), link);
  if (hasCode && byId("code").hidden) {
    byId("code").src = new URL("join.svg", base);
    byId("code").hidden = false;
  }
}

function makeRow() {
  const element = document.createElement("tr");
  const name = cell("th", "name");
  name.scope = "row";
  const cells = { rooms: cell("td", "rooms") };
  for (const key of ["messages", "pace", "silent"]) cells[key] = cell("td", "number");
  for (const key of ["from", "writes", "act"]) cells[key] = cell("td", key);
  const mute = document.createElement("button");
  const kick = document.createElement("button");
  mute.type = kick.type = "button";
  mute.className = kick.className = "plain";
  kick.textContent = "Send away";
  cells.act.append(mute, kick);
  element.append(name, ...Object.values(cells));
  byId("people").append(element);

  let shown = null;
  mute.addEventListener("click", () => {
    const [action, done] = shown.muted ? ["unmute", "may write again."] : ["mute", "is muted."];
    act(action, shown, done);
  });
  kick.addEventListener("click", () => act("kick", shown, "was sent away."));

  function showPerson(person) {
    shown = person;
    setText(name, person.username);
    setText(cells.rooms, person.rooms.join(", ") || "none");
    setText(cells.messages, String(person.messages));
    setText(cells.pace, String(Math.round(person.messages_per_minute)));
    setText(cells.silent, duration(person.silent_s));
    setText(cells.from, person.peer);
    setText(cells.writes, person.muted ? "no (muted)" : "yes");
    setText(mute, person.muted ? "Unmute" : "Mute");
    mute.setAttribute("aria-label", `${mute.textContent} ${person.username}`);
    kick.setAttribute("aria-label", `Send away ${person.username}`);
  }
  return { element, show: showPerson };
}

function cell(tag, className) {
  const made = document.createElement(tag);
  made.className = className;
  return made;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function duration(seconds) {
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  return `${Math.floor(whole / 3600)} h`;
}

function state(name, sentence) {
  byId("state").dataset.state = name;
  setText(byId("state"), sentence);
}

function problem(sentence) {
  byId("problem").textContent = sentence;
  byId("problem").hidden = !sentence;
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});
refresh();
