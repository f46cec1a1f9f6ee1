// The parts of the system, the buttons that break them, and what that does: live counts since the button was pressed.
import { byId, keyed, make, post, say } from "./dom.js";

const TEXTS = {
  inbound: "hears replies",
  optout: "decides them",
  sender: "sends or drops",
  kafka: "keeps every event",
  postgres: "keeps the record",
};
const STATES = {
  running: "running", unready: "not ready: it waits for others", starting: "starting", dead: "dead", frozen: "frozen", silent: "does not answer",
};
const COMMANDS = {
  running: ["kill", "pause"], unready: ["kill", "pause"], starting: ["kill"], dead: ["start"], frozen: ["resume", "kill"], silent: ["resume", "kill"],
};
const WORDS = { kill: "Kill", pause: "Freeze", resume: "Thaw", start: "Start" };
const CONSEQUENCES = {
  inbound: "The gateway gets no answer to a reply, and tries again; what it gives up on is fetched from its list.",
  optout: "Replies are safe in Kafka, undecided. So no fence opens, and no message goes out.",
  sender: "Messages wait in Kafka. Replies are heard and decided meanwhile.",
  kafka: "No reply is accepted, so the gateway keeps it and tries again. No message goes out.",
  postgres: "Nothing can be recorded, so nothing is decided, and no message goes out.",
};

let before = null; // the counts when something broke

export function updateMachine(machine, complain) {
  byId("machine-text").textContent = machine.can_be_killed
    ? "Kill or freeze any of them. Messages and replies must wait, and go on afterwards."
    : "These can be killed and frozen where make demo runs them. Here the page only looks.";
  keyed(byId("parts"), machine.parts, (part) => part.name,
    (part) => make("li", {},
      make("span", { class: "dot", "aria-hidden": "true" }),
      make("span", { class: "who" }, make("span", { class: "name" }, part.name), " ", make("span", { class: "what" }, TEXTS[part.name])),
      make("span", { class: "state" }),
      make("span", { class: "buttons" })),
    (child, part) => updatePart(child, part, machine.can_be_killed, complain));
}

function updatePart(child, part, canBeKilled, complain) {
  child.className = part.state;
  say(child.querySelector(".state"), part.is_busy ? "one moment" : STATES[part.state]);
  keyed(child.querySelector(".buttons"), canBeKilled ? COMMANDS[part.state] : [], (command) => command,
    (command) => make("button", {
      type: "button", class: command, "aria-label": `${WORDS[command]} ${part.name}`,
      onclick: () => post("/parts", { part: part.name, command }).catch((error) => complain(error.message)),
    }, WORDS[command]),
    (button) => { button.disabled = part.is_busy; });
}

/** `atGateway` are the replies that no webhook has accepted yet. */
export function updateFault(machine, tally, atGateway) {
  const parts = machine?.parts ?? [];
  const broken = parts.filter((part) => ["dead", "frozen", "silent", "starting"].includes(part.state));
  const fault = byId("fault");
  if (!broken.length || !tally) {
    const isOver = parts.every((part) => part.state === "running") && tally && !tally.waiting && !tally.undecided && !atGateway;
    if (before && isOver) {
      fault.classList.add("over");
      say(fault, "Recovered: everything that waited has been decided, and nothing was lost.");
      before = null;
    } else if (before && tally) say(fault, `Catching up. ${waiting(tally, atGateway)}`);
    return;
  }
  if (!before) before = { ...tally };
  fault.hidden = false;
  fault.classList.remove("over");
  const names = broken.map((part) => `${part.name} is ${STATES[part.state]}`).join(", ");
  say(fault, `${names}. ${CONSEQUENCES[broken[0].name]} Since then ${tally.arrived - before.arrived} went out. ${waiting(tally, atGateway)}`);
}

function waiting(tally, atGateway) {
  const atIt = atGateway ? `, ${count(atGateway, "reply", "replies")} at the gateway` : "";
  return `${count(tally.waiting, "message", "messages")} and ${count(tally.undecided, "reply", "replies")} in Kafka wait${atIt}.`;
}

const count = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

export function updateTally(tally) {
  const rows = [
    ["replies in Kafka", tally.replies], ["of them undecided", tally.undecided],
    ["messages requested", tally.requested], ["of them waiting", tally.waiting],
    ["arrived on phones", tally.arrived], ["dropped", tally.dropped],
    ["sent after a STOP", tally.after_a_stop],
  ];
  keyed(byId("tally"), rows, ([name]) => name,
    ([name]) => make("div", {}, make("dt", {}, name), make("dd")),
    (child, [name, count]) => {
      say(child.querySelector("dd"), count.toLocaleString("en"));
      child.classList.toggle("proof", name === "sent after a STOP");
      child.classList.toggle("wrong", name === "sent after a STOP" && count > 0);
    });
}
