/** What a page calls: `window.pulse`. */
import { ofScript, whole } from "./options.js";
import { start } from "./start.js";

/** Puts `window.pulse` in place, and begins at once where the script element names a key. */
export function install() {
  const page = /** @type {any} */ (window);
  if (page.pulse?.init) return page.pulse;
  const own = ofScript(/** @type {HTMLScriptElement | null} */ (document.currentScript));
  /** @type {ReturnType<typeof start> | undefined} */
  let running;
  /** @type {((tracker: ReturnType<typeof start>) => void)[]} */
  const asked = [];

  /** Calls before it runs wait until it does. @param {(tracker: ReturnType<typeof start>) => void} call */
  const then = (call) => void (running ? call(running) : asked.push(call));

  function init(given = {}) {
    const options = whole(own, given);
    const begin = () => {
      running ??= start(options);
      asked.splice(0).forEach(then);
    };
    // a page that is made ready before anybody asks for it is not seen yet
    if (/** @type {any} */ (document).prerendering) document.addEventListener("prerenderingchange", begin, { once: true });
    else begin();
  }

  page.pulse = {
    init,
    /** @param {string} name @param {any} [properties] @param {any} [fields] */
    track: (name, properties, fields) => then((tracker) => tracker.emit(name, properties, fields)),
    page: () => then((tracker) => tracker.view()),
    /** @param {string} id @param {any} [traits] */
    identify: (id, traits) => then((tracker) => tracker.identify(id, traits)),
    /** @param {"granted" | "denied"} answer */
    consent: (answer) => {
      if (answer === "granted" || answer === "denied") then((tracker) => tracker.answered(answer));
      else console.warn('pulse: an answer is "granted" or "denied", not', answer);
    },
    reset: () => then((tracker) => tracker.reset()),
    /** @param {any} fields @param {HTMLFormElement} [form] @returns {Promise<string>} */
    lead: (fields, form) =>
      new Promise((kept, failed) => then((tracker) => tracker.lead(fields, form).then(kept, failed))),
    flush: () => then((tracker) => tracker.flush()),
    ids: () => running?.ids() ?? null,
  };
  if (own.key) init();
  document.dispatchEvent(new Event("pulse:ready"));
  return page.pulse;
}
