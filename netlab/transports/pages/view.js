// What the modules of the page show things with.
//
// Whatever comes from others is shown with textContent and never as HTML: a name or a message is
// text, whatever it looks like. (Behind JupyterLab's proxy, a script that ran here could use your
// kernel.)

export const byId = (id) => document.getElementById(id);

// Text of a stranger, in a place of its own: right-to-left text does not turn the rest.
export function text(content, className = "") {
  const place = document.createElement("bdi");
  place.className = className;
  place.textContent = content;
  return place;
}

export function button(label, onClick, ...parts) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "plain";
  made.setAttribute("aria-label", label);
  made.append(...parts);
  made.addEventListener("click", onClick);
  return made;
}

// Shows a list anew; whoever stands on one of its buttons with the keyboard stays there.
export function fill(list, values, draw) {
  const focused = list.contains(document.activeElement)
    ? document.activeElement.getAttribute("aria-label")
    : null;
  list.replaceChildren(
    ...values.map((value) => {
      const item = document.createElement("li");
      draw(item, value);
      return item;
    }),
  );
  if (focused === null) return;
  [...list.querySelectorAll("button")]
    .find((one) => one.getAttribute("aria-label") === focused)
    ?.focus();
}
