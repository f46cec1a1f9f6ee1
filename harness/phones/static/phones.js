// The page: follows the feed, and shows each part as it comes. A part always comes whole, so any order is right.
import { byId, keyed, make, post, say, timeOf } from "./dom.js";
import { updateJourneys } from "./journey.js";
import { updateFault, updateMachine, updateTally } from "./machine.js";
import { newPhone, updatePhone } from "./phone.js";

const parts = {};
let chosen = null;
let started = null;
let complaintEnds = null;
const WAYS = {
  reply: "Reply STOP to opt out",
  link: "Stop: {{opt_out_link}}",
  both: "Reply STOP to opt out, or tap {{opt_out_link}}",
  none: "",
};

const owners = () => new Map(parts.about.owners.map((owner) => [owner.phone, owner.name]));
const names = () => new Map((parts.lists ?? []).map((list) => [list.list_id, list.name]));
const listOf = (id) => (parts.lists ?? []).find((list) => list.list_id === id);

/** Say what went wrong where it is seen from anywhere on the page, for a while. */
function complain(text) {
  const complaint = byId("complaint");
  complaint.hidden = false;
  say(complaint, text);
  clearTimeout(complaintEnds);
  complaintEnds = setTimeout(() => { complaint.hidden = true; say(complaint, ""); }, 12_000);
}

function refuse(text) {
  const answer = byId("answer");
  answer.classList.add("wrong");
  say(answer, text);
}

function withWayOut(text) {
  return [text, WAYS[byId("way").value]].filter(Boolean).join(" ");
}

function showAbout(about) {
  if (started !== null && started !== about.started_us) location.reload(); // another start has another token
  started = about.started_us;
  const dashboard = byId("dashboard");
  dashboard.hidden = !about.dashboard_url;
  if (about.dashboard_url) dashboard.href = about.dashboard_url;
  for (const option of byId("way").options) {
    if (["link", "both"].includes(option.value)) option.hidden = option.disabled = !about.link_url;
  }
  showState();
}

function showState(isCut = false) {
  const { about } = parts;
  const kind = isCut ? "cut" : !about?.is_ready ? "waiting" : !about.is_following ? "behind" : "live";
  document.body.dataset.state = kind;
  say(byId("state-text"), {
    cut: "The page's server does not answer. Trying again.",
    waiting: about?.problem || "Getting ready",
    behind: "Kafka does not answer the page",
    live: "Live",
  }[kind]);
}

function showPhones() {
  const { about } = parts;
  if (!about) return;
  keyed(byId("phones"), about.owners.filter((owner) => parts[owner.phone]), (owner) => owner.phone,
    (owner) => newPhone(owner, about.owners.indexOf(owner), about.words, complain),
    (element, owner) => updatePhone(element, parts[owner.phone], names(), about.link_url));
}

function showLists(lists) {
  const place = byId("lists");
  for (const list of lists) {
    let label = place.querySelector(`[data-list="${list.list_id}"]`);
    if (!label) {
      const input = make("input", { type: "radio", name: "list", value: list.list_id });
      input.addEventListener("change", () => choose(list.list_id));
      label = make("label", { "data-list": list.list_id }, input, make("span", { class: "name" }, list.name), make("span", { class: "count" }));
      place.append(label);
    }
    say(label.querySelector(".count"), `${list.reachable} of ${list.members.length}`);
  }
  if (chosen === null && lists.length) choose(lists[0].list_id);
  const list = listOf(chosen);
  if (list) say(byId("audience"), `${list.name}`);
}

function choose(listId) {
  const before = listOf(chosen);
  const list = listOf(listId);
  const text = byId("text");
  if (!text.value || text.value === before?.text) text.value = list.text;
  chosen = listId;
  byId("lists").querySelector(`[data-list="${listId}"] input`).checked = true;
  say(byId("audience"), list.name);
}

function showNotes(notes) {
  const known = owners();
  keyed(byId("notes"), [...notes].reverse(), (note) => note.id,
    (note) => make("li", { class: `note ${note.kind}` },
      make("time", { datetime: new Date(note.at_us / 1000).toISOString() }, timeOf(note.at_us)),
      make("span", {}, note.phone ? `${known.get(note.phone) ?? note.phone}: ${note.text}` : note.text)),
    () => {});
}

function atGateway() {
  const bubbles = parts.about.owners.flatMap((owner) => parts[owner.phone]?.bubbles ?? []);
  return bubbles.filter((bubble) => ["sending", "again"].includes(bubble.state)).length;
}

function showGuide() {
  const { notes, machine, journeys } = parts;
  const done = {
    sent: (notes ?? []).some((note) => note.kind === "sent"),
    stopped: (journeys ?? []).some((journey) => journey.effect === "opted_out"),
    dropped: (notes ?? []).some((note) => note.kind === "dropped"), // on these phones: the story has others
    killed: (notes ?? []).some((note) => ["kill", "pause"].includes(note.kind)),
  };
  for (const item of byId("guide").children) {
    const wasDone = item.classList.contains("done");
    const isDone = wasDone || done[item.dataset.step];
    item.classList.toggle("done", isDone);
    if (isDone && !wasDone) item.append(make("span", { class: "unseen" }, " (done)"));
  }
  if (machine?.parts && !machine.can_be_killed) byId("guide-last").textContent = "Tap the link in a message";
}

const SHOW = {
  about: showAbout,
  lists: showLists,
  machine: (machine) => { updateMachine(machine, complain); updateFault(machine, parts.tally, atGateway()); },
  tally: (tally) => { updateTally(tally); updateFault(parts.machine, tally, atGateway()); },
  journeys: (journeys) => {
    byId("no-journey").hidden = journeys.length > 0;
    const texts = (id) => withWayOut(listOf(id).text);
    updateJourneys(byId("journeys"), journeys, { owners: owners(), lists: names(), texts, complain });
  },
  notes: showNotes,
};

/** The machine is empty until it was looked at for the first time. */
const hasContent = (name, part) => name !== "machine" || part.parts;

function take(changed) {
  Object.assign(parts, changed);
  for (const [name, show] of Object.entries(SHOW)) if (changed[name] && hasContent(name, changed[name])) show(changed[name]);
  if (parts.machine?.parts) updateFault(parts.machine, parts.tally, atGateway());
  showPhones();
  showGuide();
}

byId("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const list = listOf(chosen);
  const answer = byId("answer");
  answer.classList.remove("wrong");
  if (!list) return refuse("The lists are not there yet.");
  byId("send").disabled = true;
  try {
    const through = byId("through").value;
    await post("/send", { list_id: list.list_id, text: withWayOut(byId("text").value), through });
    say(answer, `${list.members.length} are on “${list.name}”, ${list.reachable} may get it: ` +
      (through === "api" ? "the campaign asks for no others." : "all were requested, and the fence decides."));
  } catch (error) {
    refuse(error.message);
  }
  byId("send").disabled = false;
});

const feed = new EventSource("/events");
feed.addEventListener("message", (event) => { take(JSON.parse(event.data)); showState(); });
feed.addEventListener("error", () => showState(true));
feed.addEventListener("open", () => showState());
