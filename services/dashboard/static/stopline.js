// What pages do besides htmx: charts, dialogs, times in the reader's zone. Everything works without it, only less well.
"use strict";
(() => {
  const charts = new Map();

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function options(names, width, height) {
    const axis = { stroke: colour("--ink-soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
    return {
      width, height, legend: { show: false }, cursor: { points: { size: 6 }, drag: { x: false, y: false } },
      scales: { y: { range: (_, __, max) => [0, Math.max(4, max * 1.1)] } },
      axes: [
        { ...axis, size: 28, values: (_, ticks) => ticks.map((at) => new Date(at * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })) },
        { ...axis, size: 44, values: (_, ticks) => ticks.map((value) => value.toLocaleString("en")) },
      ],
      series: [{}, ...names.map((label, place) => ({
        label, stroke: colour(`--series-${place + 1}`), width: 2, points: { show: false },
        fill: place === 0 ? `${colour("--series-1")}1a` : undefined,
      }))],
    };
  }

  function draw(figure) {
    const { times, series } = JSON.parse(figure.dataset.chart);
    const plot = figure.querySelector(".plot");
    const data = [times, ...Object.values(series)];
    const old = charts.get(figure.id);
    if (old && old.root.isConnected && plot.contains(old.root)) {
      old.setData(data);
      return;
    }
    if (old) old.destroy();
    charts.set(figure.id, new uPlot(options(Object.keys(series), plot.clientWidth, plot.clientHeight), data, plot));
  }

  function drawAll(root) {
    if (typeof uPlot === "undefined") return;
    const found = root.matches?.("[data-chart]") ? [root] : [];
    [...found, ...root.querySelectorAll("[data-chart]")].forEach(draw);
  }

  function redraw() {
    charts.forEach((chart) => chart.destroy());
    charts.clear();
    drawAll(document);
  }

  function localise(root) {
    root.querySelectorAll("time[datetime]:not([data-local])").forEach((time) => {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.valueOf())) return;
      time.dataset.local = "";
      time.textContent = at.toLocaleString("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
    });
  }

  // A day that somebody writes is one of their time zone.
  function nameZone(root) {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
    root.querySelectorAll("input[data-zone]").forEach((field) => { field.value = zone; });
  }

  function enhance(root) {
    localise(root);
    nameZone(root);
    drawAll(root);
  }

  // Figures that come live replace the data of a chart, and not the chart: it would flicker.
  function takeLive(event) {
    const fresh = new DOMParser().parseFromString(event.detail.data, "text/html");
    const place = event.target;
    const kept = [...fresh.querySelectorAll("[data-chart]")].every((figure) => document.getElementById(figure.id));
    if (!place.hasAttribute("data-charts") || !kept) return;
    event.preventDefault();
    fresh.querySelectorAll("[data-chart]").forEach((figure) => {
      const shown = document.getElementById(figure.id);
      shown.dataset.chart = figure.dataset.chart;
      const plot = shown.querySelector(".plot");
      plot.setAttribute("aria-label", figure.querySelector(".plot").getAttribute("aria-label"));
      draw(shown);
    });
  }

  function setLive(isOn) {
    document.querySelectorAll(".live").forEach((shown) => {
      shown.classList.toggle("on", isOn);
      shown.textContent = isOn ? "Live" : "Not live: connecting again";
    });
  }

  // Nobody sees what is followed in a hidden tab; and an error of the server must not take the place of what is shown.
  function skipHidden(event) {
    if (document.hidden && event.detail.elt.hasAttribute("data-followed")) event.preventDefault();
  }

  function keepShown(event) {
    if (event.detail.xhr.status >= 500 && event.detail.elt.hasAttribute("data-kept")) event.detail.shouldSwap = false;
  }

  document.addEventListener("click", (event) => {
    const opens = event.target.closest("[data-opens]");
    const closes = event.target.closest("[data-closes]");
    if (opens) document.getElementById(opens.dataset.opens)?.showModal();
    if (closes) document.getElementById(closes.dataset.closes)?.close();
  });
  document.addEventListener("DOMContentLoaded", () => enhance(document));
  document.addEventListener("htmx:load", (event) => enhance(event.detail.elt));
  document.addEventListener("htmx:beforeRequest", skipHidden);
  document.addEventListener("htmx:beforeSwap", keepShown);
  document.addEventListener("htmx:sseBeforeMessage", takeLive);
  document.addEventListener("htmx:sseOpen", () => setLive(true));
  document.addEventListener("htmx:sseError", () => setLive(false));
  document.addEventListener("htmx:sseClose", () => setLive(false));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  let resizing;
  window.addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(redraw, 150); });
})();
