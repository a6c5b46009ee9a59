// A service's figures as charts: drawn with uPlot, coloured by the page, and as numbers for
// those who do not see them.
import { Problem, call } from "./console.js";
import uPlot from "./vendor/uplot.js";

const place = document.getElementById("charts");
const words = JSON.parse(place.dataset.words);
const RANGES = { hour: 3600, day: 86400, week: 7 * 86400, quarter: 90 * 86400 };
const drawn = new Map();

const mega = (row) => row.map((one) => (one === null ? null : one / 2 ** 20));
const milli = (row) => row.map((one) => (one === null ? null : one * 1000));
const per = (row, seconds) => row.map((one) => (one === null ? null : one / seconds));

/** What each chart shows of the API's rows: [label, numbers]. */
const CHARTS = {
  requests: (rows, step) => ["2xx", "3xx", "4xx", "5xx"].map((one) => [one, per(rows.classes[one], step)]),
  latency: (rows) => ["p50", "p95", "p99"].map((one) => [one, milli(rows.latency[one])]),
  load: (rows) => [
    [words.in_flight, rows.in_flight],
    [words.queued, rows.queued],
  ],
  replicas: (rows) => ["ready", "frozen", "starting"].map((one) => [words[one], rows.replicas[one]]),
  cpu: (rows) => [[words.cores, rows.cpu]],
  memory: (rows) => [["MiB", mega(rows.memory)]],
  cold: (rows) => [[words.cold, rows.cold_starts.count]],
};

/** The hour, or the day where marks are days apart, in the visitor's own time zone. */
function clock(seconds, apart) {
  const form = apart >= 86400 ? { month: "2-digit", day: "2-digit" } : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Intl.DateTimeFormat(document.documentElement.lang, form).format(new Date(seconds * 1000));
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

async function refresh() {
  const { range, version } = place.querySelector("form").elements;
  const since = new Date(Date.now() - RANGES[range.value] * 1000).toISOString();
  const found = await call("GET", `/v1/services/${place.dataset.service}/metrics?since=${encodeURIComponent(since)}`);
  const rows = version.value ? found.versions[version.value] : found.total;
  const times = found.times.map((time) => Date.parse(time) / 1000);
  for (const box of place.querySelectorAll("[data-chart]")) {
    const lines = rows ? CHARTS[box.dataset.chart](rows, found.step) : [];
    draw(box, times, lines);
    tell(box, found.times, lines);
  }
  tellErrors(rows?.errors ?? {});
}

/** Which of our own error answers there were in that time, and what they mean. */
function tellErrors(errors) {
  const box = document.getElementById("request-errors");
  const meanings = JSON.parse(box.dataset.words);
  const counted = Object.entries(errors).map(([code, row]) => [code, row.reduce((all, one) => all + (one ?? 0), 0)]);
  const items = counted
    .filter(([, count]) => count)
    .sort(([, one], [, other]) => other - one)
    .map(([code, count]) => {
      const item = document.createElement("li");
      const name = document.createElement("code");
      name.textContent = code;
      item.append(`${count} × `, name, ` ${meanings[code] ?? meanings.other}`);
      return item;
    });
  box.hidden = !items.length;
  box.querySelector("ul").replaceChildren(...items);
}

function draw(box, times, lines) {
  const canvas = box.querySelector(".picture");
  const data = [times, ...lines.map(([, row]) => row)];
  const known = drawn.get(box);
  if (known && known.series.length === data.length) {
    known.setData(data);
    return;
  }
  known?.destroy();
  const axis = { stroke: colour("quiet"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line") }, size: 52 };
  const strokes = ["accent", "good", "busy", "bad"].map(colour);
  drawn.set(
    box,
    new uPlot(
      {
        width: canvas.clientWidth,
        height: 180,
        axes: [{ ...axis, size: 30, values: (_, moments, __, ___, apart) => moments.map((one) => clock(one, apart)) }, axis],
        scales: { y: { range: (_, low, high) => [Math.min(0, low ?? 0), high > 0 ? high * 1.1 : 1] } },
        series: [{ label: words.time.replace(/[(（].*/, "").trim(), value: (_, one) => (one === null ? "–" : clock(one, 0)) }, ...lines.map(([label], number) => ({ label, stroke: strokes[number % strokes.length], width: 2, value: (_, one) => (one === null ? "–" : Number(one.toPrecision(3))) }))],
      },
      data,
      canvas,
    ),
  );
}

/** The last numbers as a table. */
function tell(box, times, lines) {
  const table = box.querySelector(".numbers table");
  const head = document.createElement("tr");
  for (const text of [words.time, ...lines.map(([label]) => label)]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = text;
    head.append(cell);
  }
  const rows = times.map((time, number) => {
    const row = document.createElement("tr");
    for (const text of [time.slice(0, 19).replace("T", " "), ...lines.map(([, values]) => (values[number] === null ? "–" : String(Number(values[number].toPrecision(3)))))]) {
      const cell = document.createElement("td");
      cell.textContent = text;
      row.append(cell);
    }
    return row;
  });
  table.tHead.replaceChildren(head);
  table.tBodies[0].replaceChildren(...rows.slice(-20).reverse());
}

/** Colours and sizes come from the page, so charts are made anew when these change. */
function redraw() {
  for (const chart of drawn.values()) chart.destroy();
  drawn.clear();
  look();
}

async function look() {
  try {
    await refresh();
  } catch (error) {
    if (!(error instanceof Problem)) throw error; // of the daemon: the next look may succeed
  }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
let waiting;
addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(redraw, 200);
});
place.querySelector("form").addEventListener("change", redraw);
setInterval(() => document.hidden || look(), 5000);
look();
