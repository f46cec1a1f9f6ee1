// The journeys of replies: a line of steps, each with its milliseconds and, when it is opened, their source.
import { keyed, make, milliseconds, post, say, timeOf } from "./dom.js";

const EFFECTS = {
  opted_out: "opted out of", opted_in: "back on", opt_out_held: "held for", held_released: "released for",
  nothing: "nothing follows",
};

/** `page` has the owners and lists by id, the next text for a list, and where to complain. */
export function updateJourneys(parent, journeys, page) {
  keyed(parent, journeys, (journey) => journey.id, (journey) => newJourney(journey, page),
    (card, journey) => update(card, journey, page));
}

function newJourney(journey, { owners, texts, complain }) {
  const again = make("button", { type: "button", class: "again" }, "Send the next message");
  const card = make("li", { class: "journey" },
    make("header", {},
      make("h3", {}, owners.get(journey.phone) ?? journey.phone, " ", make("q", {}, journey.words)),
      make("p", { class: "effect" })),
    make("ol", { class: "steps" }),
    again);
  again.addEventListener("click", async () => {
    again.disabled = true;
    try {
      await post("/send", { list_id: Number(card.dataset.list), phone: card.dataset.phone, text: texts(Number(card.dataset.list)) });
    } catch (error) {
      complain(error.message);
    }
    setTimeout(() => { again.disabled = false; }, 1500);
  });
  return card;
}

function update(card, journey, { lists }) {
  card.dataset.list = journey.list_id ?? "";
  card.dataset.phone = journey.phone;
  card.dataset.effect = journey.effect ?? "";
  card.querySelector(".again").hidden = journey.is_over || !lists.has(journey.list_id);
  const about = journey.effect in EFFECTS && journey.effect !== "nothing" ? ` ${lists.get(journey.list_id) ?? "all lists"}` : "";
  const word = (EFFECTS[journey.effect] ?? "on its way") + about;
  const took = journey.milliseconds == null ? "" : ` in ${milliseconds(journey.milliseconds)}`;
  say(card.querySelector(".effect"), `${word}${took} · ${timeOf(journey.at_us)}`);
  const longest = Math.max(1, ...journey.steps.map((step) => step.milliseconds ?? 0));
  keyed(card.querySelector(".steps"), journey.steps, (step) => step.name, newStep,
    (child, step) => updateStep(child, step, longest));
}

function newStep() {
  return make("li", {},
    make("details", {},
      make("summary", {},
        make("span", { class: "title" }),
        make("span", { class: "bar", "aria-hidden": "true" }, make("i")),
        make("span", { class: "took" })),
      make("p", { class: "detail" }),
      make("p", { class: "measured" })));
}

function updateStep(child, step, longest) {
  child.className = step.is_done ? "done" : "to-come";
  child.dataset.step = step.name;
  say(child.querySelector(".title"), step.title);
  say(child.querySelector(".took"), step.is_done ? milliseconds(step.milliseconds) : "…");
  say(child.querySelector(".detail"), step.detail);
  say(child.querySelector(".measured"), step.measured);
  const share = step.milliseconds == null ? 0 : Math.max(2, (100 * step.milliseconds) / longest);
  child.querySelector("i").style.width = `${share}%`;
}
