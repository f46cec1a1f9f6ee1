// One phone: its screen with messages and replies, the suggested words, and which lists its owner is on.
import { hourOf, keyed, make, post, say } from "./dom.js";

const STATES = {
  sending: "sending",
  again: "no answer: the gateway tries again",
  accepted: "delivered",
  refused: "not sent",
};
const LIST_STATES = { active: "gets messages", opted_out: "opted out", held: "held for review" };

export function newPhone(owner, number, words, complain) {
  const id = owner.phone.replace("+", "");
  const log = make("ol", { class: "log", tabindex: "0", "aria-label": `Messages on ${owner.name}'s phone` });
  const field = make("input", {
    type: "text", id: `words-${id}`, maxlength: "900", autocomplete: "off", enterkeyhint: "send",
    placeholder: "Text message", "aria-label": `Reply from ${owner.name}'s phone`,
  });
  const send = (text) =>
    post("/reply", { phone: owner.phone, words: text }).catch((error) => complain(`${owner.name}: ${error.message}`));
  const form = make("form", {
    class: "reply",
    onsubmit: (event) => {
      event.preventDefault();
      const text = field.value.trim();
      if (!text) return field.focus();
      field.value = "";
      send(text);
    },
  }, field, make("button", { type: "submit", "aria-label": `Send the reply from ${owner.name}'s phone` }, "↑"));
  const chips = make("div", { class: "chips", role: "group", "aria-label": `Suggested replies of ${owner.name}` },
    ...words.map((text) => make("button", { type: "button", onclick: () => send(text) }, text)));
  return make("li", { class: `phone hue-${number % 6}`, id: `phone-${id}` },
    make("article", { class: "case", "aria-labelledby": `owner-${id}` },
      make("div", { class: "screen" },
        make("header", {},
          make("span", { class: "face", "aria-hidden": "true" }, owner.name[0]),
          make("div", {},
            make("h3", { id: `owner-${id}` }, owner.name),
            make("p", { class: "number" }, shown(owner.phone)))),
        log,
        make("p", { class: "hush", hidden: true }),
        chips,
        form)),
    make("ul", { class: "memberships", "aria-label": `Lists of ${owner.name}` }));
}

const shown = (phone) => phone.replace(/^\+1(\d{3})(\d{3})(\d{4})$/, "+1 $1 $2 $3");

export function updatePhone(element, phone, names, linkUrl) {
  const log = element.querySelector(".log");
  const before = log.dataset.arrived ?? null;
  const wasAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  keyed(log, phone.bubbles, (bubble) => (bubble.is_reply ? "r" : "m") + bubble.id,
    (bubble) => newBubble(bubble, linkUrl), (child, bubble) => updateBubble(child, bubble, names));
  const arrived = phone.bubbles.filter((bubble) => !bubble.is_reply);
  log.dataset.arrived = arrived.at(-1)?.id ?? "";
  if (before !== null && arrived.length && before !== log.dataset.arrived) buzz(element);
  const hush = element.querySelector(".hush");
  hush.hidden = !phone.dropped;
  say(hush, phone.dropped === 1 ? "1 dropped before it got here" : `${phone.dropped} dropped before they got here`);
  if (wasAtEnd) log.scrollTop = log.scrollHeight;
  keyed(element.querySelector(".memberships"), phone.lists, (list) => list.list_id,
    () => make("li", {}, make("span", { class: "name" }), " ", make("span", { class: "what" })),
    (child, list) => {
      child.className = list.state;
      say(child.querySelector(".name"), list.name);
      say(child.querySelector(".what"), LIST_STATES[list.state]);
    });
}

function buzz(element) {
  const shell = element.querySelector(".case");
  shell.classList.remove("buzz");
  void shell.offsetWidth; // begins the animation again
  shell.classList.add("buzz");
}

function newBubble(bubble, linkUrl) {
  const text = make("p", { class: "text" }, ...linked(bubble.text, linkUrl));
  return make("li", { class: bubble.is_reply ? "bubble out" : "bubble in" }, text, make("p", { class: "under" }));
}

function updateBubble(child, bubble, names) {
  const list = names.get(bubble.list_id);
  const state = bubble.is_reply ? STATES[bubble.state] : list;
  say(child.querySelector(".under"), [state, hourOf(bubble.at_us)].filter(Boolean).join(" · "));
  child.classList.toggle("pending", bubble.is_reply && bubble.state !== "accepted");
}

/** Make our own opt-out links ones that can be tapped; no other address becomes a link. */
function linked(text, linkUrl) {
  if (!linkUrl) return [text];
  const parts = [];
  let rest = text;
  for (let at = rest.indexOf(`${linkUrl}/`); at >= 0; at = rest.indexOf(`${linkUrl}/`)) {
    const token = /^[0-9A-Za-z]{11}/.exec(rest.slice(at + linkUrl.length + 1))?.[0];
    const end = at + linkUrl.length + 1 + (token?.length ?? 0);
    const url = rest.slice(at, end);
    const link = { href: url, target: "_blank", rel: "noopener noreferrer" };
    parts.push(rest.slice(0, at), token ? make("a", link, url.replace(/^https?:\/\//, "")) : url);
    rest = rest.slice(end);
  }
  return [...parts, rest];
}
