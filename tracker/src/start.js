/** A tracker at work on a page: what it sees, as events of the contract, each with what the visitor's answer allows. */
import { watchClicks } from "./clicks.js";
import { createConsent, stored } from "./consent.js";
import { createDelivery } from "./delivery.js";
import { watchFaults } from "./faults.js";
import { createLeaving, watchPages } from "./pages.js";
import { watchReading } from "./reading.js";
import { createSession } from "./session.js";
import { names, read, write } from "./store.js";
import { uuid } from "./uuid.js";

/** @param {import("./types.js").Options} options */
export function start(options) {
  const { on, off, key, endpoint, security } = options;
  const consent = createConsent(options.consent);
  const delivery = createDelivery(`${endpoint}/v1/events?api_key=${encodeURIComponent(key)}`, () => consent.isGranted);
  const session = createSession((name, own, at, properties) => put(name, properties, { ...entry(), ts: at }, own));
  const landed = location.href.slice(0, 4_096);
  let page = { url: landed, title: document.title.slice(0, 1_024), referrer: document.referrer.slice(0, 4_096) };
  let isViewed = false;
  /** @type {string | null} */
  let user = consent.isGranted ? read("user") : null;
  /** What forms were sent as last. @type {WeakMap<object, { text: string, id: string }>} */
  const sent = new WeakMap();
  let isLoading = false;
  let isGone = false;

  /** The visitor's id, which the browser keeps once it may. */
  function visitor() {
    const known = read("visitor") ?? uuid();
    write("visitor", known);
    return known;
  }

  /** What only a visitor who agreed is asked for. @param {import("./types.js").Session} own */
  const told = (own) => ({
    visitor_id: visitor(),
    session_id: own.id,
    fingerprint_id: own.fingerprint,
    screen: `${screen.width}x${screen.height}`,
    language: navigator.language,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  });

  const entry = () => ({ title: page.title, referrer: page.referrer });

  /**
   * @param {string} name
   * @param {object | undefined} properties
   * @param {object} [fields]
   * @param {import("./types.js").Session | null} [own]
   */
  function put(name, properties, fields, own) {
    const empty = !properties || !Object.keys(properties).length;
    delivery.add({
      event: name,
      event_id: uuid(),
      ts: Date.now(),
      url: page.url,
      user_id: user ?? undefined,
      consent: consent.answer || undefined,
      ...(own && told(own)),
      ...fields,
      ...(!empty && { properties }),
    });
  }

  /** What a page that has gone away still tells does not begin a session. */
  const visit = () => (isGone ? session.stored() : session.current());

  /** @type {import("./types.js").Emit} */
  function emit(name, properties, fields) {
    recall();
    put(name, properties, fields, consent.isGranted ? visit() : null);
  }

  function view() {
    if (isViewed) reading?.tell();
    page = {
      url: location.href.slice(0, 4_096),
      title: document.title.slice(0, 1_024),
      referrer: isViewed ? page.url : page.referrer,
    };
    isViewed = true;
    reading?.begin();
    emit("page_view", undefined, entry());
    if (consent.isGranted) session.count({ pages: 1 });
  }

  /** The parts that are fetched only where they are wanted. @param {string} name */
  const part = (name) => import(`${endpoint}/${name}.js`);

  /** Security is no reason against a no. */
  const isWanted = () => (consent.isGranted ? !visit()?.fingerprint : security && consent.answer !== "denied");

  /** For security the page is told without its query, and nobody by name. */
  const nameless = () => ({ user_id: undefined, url: (location.origin + location.pathname).slice(0, 4_096) });

  async function device() {
    if (isLoading || !isWanted()) return;
    isLoading = true;
    try {
      const { fingerprint_id, ...signals } = await (await part("device")).gather(key);
      recall();
      if (!isWanted()) return;
      const agreed = consent.isGranted;
      if (agreed) session.count({ fingerprint: fingerprint_id });
      emit(
        "device_signals",
        { purpose: agreed ? "consent" : "security", device: signals },
        { fingerprint_id, ...(!agreed && nameless()) },
      );
    } catch {
      // a page that lets no other script in goes without
    } finally {
      isLoading = false;
    }
  }

  async function vitals() {
    try {
      (await part("vitals")).watchVitals((/** @type {any} */ measured) => emit("web_vitals", measured, { url: landed }));
    } catch {
      // likewise
    }
  }

  /**
   * Other pages see what is stored in the order in which it was: a no comes before what it deletes, so that they begin
   * nothing in its place, and a yes after what it begins, so that they go on with that.
   *
   * @param {"granted" | "denied"} answer
   * @param {() => void} [keep] What was heard of another page is kept already, and may have changed since.
   */
  function answered(answer, keep = consent.keep) {
    const was = consent.isGranted;
    if (was && answer === "denied") session.leave();
    consent.say(answer);
    if (answer === "denied") {
      keep();
      forget();
    } else {
      if (!was) begin();
      keep();
    }
  }

  /** What a yes allows. */
  function begin() {
    session.current();
    session.count({ pages: 1 });
    user ??= read("user");
    if (user) write("user", user);
    delivery.adopt();
    device();
  }

  function forget() {
    user = null;
    for (const name of ["session", "visitor", "user", ...names("queue.")]) write(name, null);
  }

  /** The visitor may have answered on another page. */
  function recall() {
    const said = stored();
    if (said && said !== consent.answer) answered(said, () => {});
  }

  /** Who it is may have been said, or taken back, on another page too. */
  function remember() {
    recall();
    if (consent.isGranted) user = read("user");
  }

  const reading = off.has("engagement")
    ? null
    : watchReading((seen) => {
        emit("engagement", seen);
        if (consent.isGranted) session.count(seen);
      });
  if (consent.isGranted) delivery.adopt();
  if (consent.answer === "denied") forget();
  addEventListener("storage", remember);
  addEventListener("pageshow", () => {
    isGone = false;
    remember();
  });
  if (!off.has("pages")) watchPages(on.has("hash"), view);
  watchClicks(options, emit, () => consent.isGranted && session.count({ clicks: 1 }));
  if (!off.has("errors")) watchFaults((fault) => emit("error", fault));
  if (!off.has("vitals")) {
    if (document.readyState === "complete") vitals();
    else addEventListener("load", () => setTimeout(vitals));
  }
  device();

  const leaves = createLeaving();
  // a page that goes away is told of it before it is hidden; what it still has to tell then does not begin anew
  // on the window, so that whoever listens on the document has told what it has before all of it goes
  addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "hidden") return;
    if (isGone) return delivery.leave();
    reading?.tell();
    delivery.hide();
  });
  addEventListener("pagehide", () => {
    reading?.tell();
    if (consent.isGranted && leaves()) session.leave();
    isGone = true;
    delivery.leave();
  });

  /**
   * Who somebody is goes by itself, not among the events: it is not kept here, and the caller hears what became of it.
   *
   * @param {import("./types.js").Properties} fields
   * @param {object} [form] Sent again as it was it is the same lead.
   * @returns {Promise<string>} The lead's id, once it is kept.
   */
  async function lead(fields, form) {
    recall();
    const own = consent.isGranted ? visit() : null;
    const ids = own && { visitor_id: visitor(), session_id: own.id };
    const whose = { lead_id: leadId(fields, form), consent: consent.answer || undefined, ...ids };
    const text = JSON.stringify({ page: page.url, ...fields, ...boxOf(fields), ...whose });
    const send = () =>
      fetch(`${endpoint}/lead?api_key=${encodeURIComponent(key)}`, {
        method: "POST",
        credentials: "omit",
        keepalive: text.length * 3 < 60_000,
        headers: { "content-type": "text/plain" },
        body: text,
      });
    let answer = await send();
    if (answer.status === 429 || answer.status === 503) {
      const wait = Math.min(Number(answer.headers.get("retry-after")) || 5, 60);
      await new Promise((over) => setTimeout(over, wait * 1_000));
      answer = await send();
    }
    if (!answer.ok) throw new Error(`pulse: ${answer.status} ${await answer.text()}`);
    return (await answer.json()).lead_id;
  }

  /** A form's own box called `consent` is no answer, but one of its fields. @param {import("./types.js").Properties} fields */
  function boxOf({ consent: box, fields: more }) {
    if (box == null || box === "granted" || box === "denied") return {};
    const own = Object(more) === more ? /** @type {object} */ (more) : { fields: more };
    return { fields: { ...own, consent: box } };
  }

  /** @param {import("./types.js").Properties} fields @param {object} [form] */
  function leadId(fields, form) {
    const text = JSON.stringify({ ...fields, __pg_tts: 0 });
    const last = form && sent.get(form);
    if (last?.text === text) return last.id;
    const id = uuid();
    if (form) sent.set(form, { text, id });
    return id;
  }

  return {
    emit,
    view,
    answered,
    lead,
    flush: delivery.flush,
    /** @param {string} id @param {import("./types.js").Properties} [traits] */
    identify(id, traits) {
      user = String(id).slice(0, 200);
      if (consent.isGranted) write("user", user);
      emit("identify", traits);
    },
    reset() {
      if (consent.isGranted) session.leave();
      user = null;
      for (const name of ["user", "visitor", "session"]) write(name, null);
    },
    ids: () => ({ visitor_id: read("visitor"), session_id: session.stored()?.id ?? null, user_id: user }),
  };
}
