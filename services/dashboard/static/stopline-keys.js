// A key that presses a button (data-key), and a button that copies a field (data-copies). Pages work without both.
"use strict";
(() => {
  const isTyping = (element) => element.closest("input, textarea, select, [contenteditable], dialog[open]") !== null;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || isTyping(event.target)) return;
    const button = document.querySelector(`button[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!button || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    button.click();
  });

  // A form that is on its way is not sent again by a second press of its key.
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button?.dataset.key) setTimeout(() => { button.disabled = true; }, 0);
  });
  window.addEventListener("pageshow", () => document.querySelectorAll("button[data-key]").forEach((each) => { each.disabled = false; }));

  async function copy(button) {
    const field = document.getElementById(button.dataset.copies);
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copies]");
    if (button) copy(button);
  });
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-copies]").forEach((each) => { each.hidden = false; }));
})();
