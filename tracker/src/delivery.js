/** Events on their way: held until the collector has them, and sent again under the same ids where it was away. */
import { names, read, write } from "./store.js";
import { uuid } from "./uuid.js";

const MOST_WAITING = 500;
const MOST_SENT = 100;
/** Of earlier pages' events no more wait than leave room for this one's. */
const MOST_ADOPTED = MOST_WAITING - MOST_SENT;
const GATHER_MS = 2_000;
const SHORTEST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 300_000;
const COMPRESSED_FROM = 8_192;
/** What browsers send on while the page goes away: 64 kB together. */
const MOST_LEAVING = 60_000;

/**
 * @param {string} url
 * @param {() => boolean} mayStore
 */
export function createDelivery(url, mayStore) {
  const own = `queue.${uuid()}`;
  /** @type {import("./types.js").PulseEvent[]} */
  let waiting = [];
  /** @type {import("./types.js").PulseEvent[]} */
  let flying = [];
  let isStored = false;
  let failures = 0;
  let notBefore = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {number} ms */
  function later(ms) {
    clearTimeout(timer);
    timer = setTimeout(flush, ms);
  }

  /** @param {import("./types.js").PulseEvent} event */
  function add(event) {
    waiting.push(event);
    if (waiting.length > MOST_WAITING) waiting.splice(flying.length, 1);
    if (waiting.length >= MOST_SENT) flush();
    else if (waiting.length === 1) later(Math.max(GATHER_MS, notBefore - Date.now()));
  }

  async function flush() {
    if (flying.length || !waiting.length) return;
    if (Date.now() < notBefore) return later(notBefore - Date.now());
    const sent = (flying = waiting.slice(0, MOST_SENT));
    const wait = await send(url, body(sent));
    flying = [];
    if (wait === null) settled(sent);
    else put(wait);
    if (waiting.length) later(Math.max(0, notBefore - Date.now()));
  }

  /** @param {import("./types.js").PulseEvent[]} sent */
  function settled(sent) {
    waiting = waiting.filter((event) => !sent.includes(event));
    failures = notBefore = 0;
    if (isStored) store();
  }

  /** @param {number} asked ms that the collector asked for, else 0 */
  function put(asked) {
    const own = Math.min(SHORTEST_WAIT_MS * 2 ** failures++, LONGEST_WAIT_MS) * (0.5 + Math.random() / 2);
    notBefore = Date.now() + Math.max(asked, own);
    store();
  }

  function store() {
    if (!mayStore()) return;
    write(own, waiting.length ? waiting : null);
    isStored = waiting.length > 0;
  }

  /** The page may be ended without another word: what waits goes now, and is kept until it is known to be there. */
  function hide() {
    store();
    flush();
  }

  /** The page goes away, and hears of nothing more: what waits goes with it, or is kept where it could not go. */
  function leave() {
    const sent = leaving(waiting.slice(flying.length));
    const isAway = !navigator.onLine || failures > 0;
    if (sent.length && !(isAway && mayStore()) && navigator.sendBeacon?.(url, body(sent)) && !isAway) settled(sent);
    store();
  }

  /** Events that earlier pages could not send, as many as there is room for; they are kept here before they are forgotten there. */
  function adopt() {
    for (const name of names("queue.").filter((name) => name !== own)) {
      const left = read(name);
      const rest = Array.isArray(left) ? left.splice(Math.max(0, MOST_ADOPTED - waiting.length)) : [];
      if (Array.isArray(left)) left.forEach(add);
      store();
      write(name, rest.length ? rest : null);
    }
  }

  function hurry() {
    notBefore = 0;
    flush();
  }

  addEventListener("online", hurry);
  return { add, flush, hide, leave, adopt };
}

/**
 * As many of the events as a browser takes from a page that goes away.
 *
 * @param {import("./types.js").PulseEvent[]} events
 */
function leaving(events) {
  let size = 0;
  return events.filter((event) => (size += JSON.stringify(event).length * 3) <= MOST_LEAVING);
}

/** @param {import("./types.js").PulseEvent[]} events */
const body = (events) => JSON.stringify({ events, sent_at: Date.now() });

/**
 * Sends a body. `null` once it is settled, be it taken or refused for good; else how many ms the collector asked to
 * be left alone, 0 if it said nothing.
 *
 * @param {string} url
 * @param {string} text
 * @returns {Promise<number | null>}
 */
async function send(url, text) {
  try {
    const isLarge = text.length > COMPRESSED_FROM && "CompressionStream" in window;
    const answer = await fetch(url, {
      method: "POST",
      credentials: "omit",
      keepalive: text.length * 3 < MOST_LEAVING,
      headers: { "content-type": "text/plain", ...(isLarge && { "content-encoding": "gzip" }) },
      body: isLarge ? await compressed(text) : text,
    });
    if (answer.status < 500 && answer.status !== 429 && answer.status !== 408) {
      if (!answer.ok) console.warn("pulse:", answer.status, await answer.text());
      return null;
    }
    return Number(answer.headers.get("retry-after")) * 1_000 || 0;
  } catch {
    return 0;
  }
}

/** @param {string} text */
const compressed = (text) =>
  new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
