// Elements made without markup: nothing that comes from outside is ever read as HTML.

export const byId = (id) => document.getElementById(id);

/** Make an element; `more` are attributes and, with `on…`, listeners; children are texts and elements. */
export function make(tag, more = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(more)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null && child !== ""));
  return element;
}

/** Set a text only where it differs: a screen reader reads what changes. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Have `parent` show one child for each item, in order. Children that are there keep their place, focus and scroll:
 * `fresh` makes one, `update` changes it.
 */
export function keyed(parent, items, key, fresh, update) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let before = null;
  for (const item of items) {
    const id = String(key(item));
    let child = known.get(id);
    if (child) known.delete(id);
    else {
      child = fresh(item);
      child.dataset.key = id;
    }
    const next = before ? before.nextElementSibling : parent.firstElementChild;
    if (child !== next) parent.insertBefore(child, next);
    update(child, item); // in its place: some measure themselves
    before = child;
  }
  for (const child of known.values()) child.remove();
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const exact = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23",
});

export const hourOf = (us) => clock.format(new Date(us / 1000));
export const timeOf = (us) => exact.format(new Date(us / 1000));

/** Milliseconds as people read them. */
export function milliseconds(value) {
  if (value == null) return "–";
  if (value < 1) return "< 1 ms";
  if (value < 10) return `${value.toFixed(1)} ms`;
  if (value < 10_000) return `${Math.round(value).toLocaleString("en")} ms`;
  return `${(value / 1000).toFixed(1)} s`;
}

/** Press one of the server's buttons; throws an Error with its own words. */
export async function post(path, body) {
  const token = document.querySelector('meta[name="token"]').content;
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Stopline-Token": token },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Error("The page's server does not answer: `stopline status` says why.");
  }
  if (answer.ok) return;
  const said = await answer.json().catch(() => null);
  throw new Error(said?.error?.message ?? `The page's server answered ${answer.status}.`);
}
