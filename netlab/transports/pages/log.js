// The log: what was said and what happened, oldest first, and marks for what you have not seen.

import { byId, text } from "./view.js";

const LONGEST_LOG = 500; // messages kept on the page
const AT_END_PX = 40; // whoever is so near the end reads along

const TITLE = document.title;
const log = byId("log"); // what scrolls
const lines = byId("lines");
const newer = byId("newer");
let unseen = 0; // lines since the page was hidden, or its reader went back to what was before

export function say(timestamp, from, content, remark = "") {
  const time = document.createElement("time");
  time.dateTime = timestamp;
  time.textContent = new Date(timestamp).toLocaleTimeString([], { timeStyle: "short" });
  addLine("", time, " ", text(from, "name"), `${remark}: `, text(content));
}

export function note(...parts) {
  addLine("notice-line", ...parts);
}

export function clear() {
  lines.replaceChildren();
  seen();
}

// All that stands there is from before the server was started anew; it does not know it any more.
export function markAsEarlier() {
  if (!lines.children.length) return;
  for (const line of lines.children) line.classList.add("earlier");
  note("The server was started anew. What stands above is from before.");
}

function addLine(className, ...parts) {
  const readsAlong = isAtEnd() && !document.hidden;
  if (!readsAlong && unseen === 0 && lines.children.length) mark();
  const line = document.createElement("li");
  line.className = className;
  line.append(...parts);
  lines.append(line);
  while (lines.children.length > LONGEST_LOG) lines.firstChild.remove();
  if (readsAlong) toEnd(); // who reads what went before is left in peace
  else showUnseen(unseen + 1);
}

function mark() {
  lines.querySelector(".unread-mark")?.remove();
  const line = document.createElement("li");
  line.className = "unread-mark";
  line.textContent = "New";
  lines.append(line);
}

function isAtEnd() {
  return log.scrollHeight - log.scrollTop - log.clientHeight < AT_END_PX;
}

function toEnd() {
  log.scrollTop = log.scrollHeight;
}

function showUnseen(number) {
  unseen = number;
  document.title = unseen && document.hidden ? `(${unseen}) ${TITLE}` : TITLE;
  newer.hidden = !unseen || isAtEnd();
  newer.textContent = `${unseen} new below`;
}

function seen() {
  showUnseen(0);
}

newer.addEventListener("click", () => {
  toEnd();
  log.focus();
});
log.addEventListener("scroll", () => {
  if (isAtEnd() && !document.hidden) seen();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  // The mark stays where it is, until the next time that something is missed.
  if (isAtEnd()) seen();
  else showUnseen(unseen);
});
