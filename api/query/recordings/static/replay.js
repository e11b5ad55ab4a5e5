// Sessions to choose from, and one played: pages, clicks, scrolls, on a time line whose long pauses are cut short.
const PAUSE_MS = 3000;
const FRAME_MS = 50;
const MOVES = 40;
const LINES = 2000;
const DOTS = 2000;
const USUAL_SCREEN = [1280, 720];

const by = (id) => document.getElementById(id);
const sheetWidth = 640;
let next = null;
let session = null;
let position = 0;
let timer = 0;
let shown = { from: -1, current: null };

async function asked(path, params) {
  const given = Object.entries(params).filter(([, value]) => value !== "" && value !== null);
  const answer = await fetch(`/replay/${path}?${new URLSearchParams(given)}`, {
    headers: { authorization: `Bearer ${by("key").value.trim()}` },
    cache: "no-store",
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.detail ?? `answered ${answer.status}`);
  return told;
}

async function tried(what) {
  by("said").textContent = "";
  try {
    await what();
  } catch (error) {
    by("said").textContent = String(error.message ?? error);
  }
}

function element(name, text, className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

const span = (ms) => {
  const s = Math.round(ms / 1000);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
};

async function list(offset) {
  const found = await asked("sessions", { site_id: by("site").value.trim(), visitor_id: by("visitor").value.trim(), offset });
  if (!offset) by("sessions").replaceChildren();
  by("sessions").append(...found.data.map(row));
  next = found.next_offset;
  by("more").hidden = next === null;
  if (!offset && !found.data.length) by("said").textContent = "There are no recorded sessions.";
}

function row(each) {
  const made = document.createElement("tr");
  const device = [each.device_type, each.browser, each.bot ? "bot" : ""].filter(Boolean).join(", ");
  const began = new Date(each.started_at).toISOString().replace("T", " ").slice(0, 19);
  made.append(...[began, span(each.ended_at - each.started_at), each.visitor_id, each.url, device].map((text) => element("td", text)));
  made.tabIndex = 0;
  made.dataset.session = each.session_id;
  const choose = () => tried(() => open(each, made));
  made.addEventListener("click", choose);
  made.addEventListener("keydown", (event) => event.key === "Enter" && choose());
  return made;
}

async function open(each, chosen) {
  pause();
  const events = [];
  for (let offset = 0; offset !== null; ) {
    const path = `sessions/${encodeURIComponent(each.session_id)}`;
    const part = await asked(path, { site_id: each.site_id, offset, limit: 10000 });
    for (const event of part.data) events.push(event);
    offset = part.next_offset;
    if (part.truncated) by("said").textContent = "The session is larger than what is told of it: this is its first part.";
  }
  for (const other of by("sessions").children) other.ariaSelected = String(other === chosen);
  session = { events, at: cut(events), size: sizeOf(events) };
  by("time").max = String(session.at[session.at.length - 1]);
  shown = { from: -1, current: null };
  by("player").hidden = false;
  seek(0);
}

/** The moment of each event on the time line. */
function cut(events) {
  const at = [0];
  for (let n = 1; n < events.length; n++) at.push(at[n - 1] + Math.min(events[n].ts - events[n - 1].ts, PAUSE_MS));
  return at;
}

function sizeOf(events) {
  const named = events.map((each) => /^(\d{2,5})x(\d{2,5})$/.exec(each.screen)).find(Boolean);
  const [width, height] = named ? [Number(named[1]), Number(named[2])] : USUAL_SCREEN;
  return { width: most(events, (each) => each.x, width), height };
}

/** The largest of some events, however many. */
const most = (events, of, least) => events.reduce((so, each) => Math.max(so, of(each) ?? 0), least);

function line(each, number) {
  const where = each.element || (each.scroll_percent === null ? "" : `${each.scroll_percent} %`) || (each.event === "page_view" ? each.url : "");
  const made = element("li", `${span(each.ts - session.events[0].ts)} ${each.event} ${where}`.trim());
  made.addEventListener("click", () => seek(session.at[number]));
  return made;
}

/** Show how it was at a moment of the time line. */
function seek(moment) {
  position = moment;
  by("time").value = String(Math.round(moment));
  const last = session.at.findLastIndex((at) => at <= moment);
  const events = session.events.slice(0, last + 1);
  const current = events[last];
  by("clock").textContent = `${span(current.ts - session.events[0].ts)} ${current.event}`;
  const page = events.findLast((each) => each.url)?.url ?? "";
  by("page").textContent = page;
  const begun = events.findLastIndex((each, n) => each.url === page && (n === 0 || (events[n - 1].url && events[n - 1].url !== page)));
  draw(events.slice(Math.max(begun, 0)));
  mark(last);
}

/** Mark the line of an event, among as many lines as a page can bear. */
function mark(last) {
  const from = Math.floor(last / LINES) * LINES;
  if (from !== shown.from) {
    const lines = session.events.slice(from, from + LINES).map((each, n) => line(each, from + n));
    by("events").start = from + 1;
    by("events").replaceChildren(...lines);
    shown = { from, current: null };
  }
  if (shown.current) shown.current.ariaCurrent = "false";
  shown.current = by("events").children[last - from];
  shown.current.ariaCurrent = "true";
  shown.current.scrollIntoView({ block: "nearest" });
}

/** Draw what happened on the page so far. */
function draw(events) {
  const scale = sheetWidth / session.size.width;
  const marks = events.filter((each) => each.x !== null && each.y !== null);
  const moves = marks.filter((each) => each.event === "mousemove").slice(-MOVES);
  const dots = [...marks.filter((each) => each.event !== "mousemove").slice(-DOTS), ...moves];
  by("sheet").replaceChildren(
    ...dots.map((each) => {
      const dot = element("div", "", each.event === "mousemove" ? "move" : "click");
      dot.title = `${each.event} ${each.element}`;
      dot.style.left = `${each.x * scale}px`;
      dot.style.top = `${each.y * scale}px`;
      return dot;
    }),
  );
  const lowest = Math.max(0, (marks.at(-1)?.y ?? 0) * scale - 300);
  by("sheet").style.top = `${-lowest}px`;
  const percent = most(events, (each) => each.scroll_percent, 0);
  by("scrolled").style.height = `${percent}%`;
  by("scrolled").title = `${percent} % of the page were seen`;
}

function play() {
  if (position >= Number(by("time").max)) position = 0;
  by("play").textContent = "Pause";
  timer = setInterval(() => {
    seek(Math.min(position + FRAME_MS * Number(by("speed").value), Number(by("time").max)));
    if (position >= Number(by("time").max)) pause();
  }, FRAME_MS);
}

function pause() {
  clearInterval(timer);
  timer = 0;
  by("play").textContent = "Play";
}

by("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  tried(() => list(0));
});
by("more").addEventListener("click", () => tried(() => list(next)));
by("play").addEventListener("click", () => (timer ? pause() : play()));
by("time").addEventListener("input", () => seek(Number(by("time").value)));
