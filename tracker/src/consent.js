/** The visitor's answer, and what it allows. */
import { read, write } from "./store.js";

/** @typedef {"granted" | "denied" | ""} Answer */

/** What the visitor said last, on whichever page of the site; `null` where they never did. */
export function stored() {
  const own = read("consent");
  return own === "granted" || own === "denied" ? own : null;
}

/**
 * What holds now: the visitor's own answer first, then the browser's Global Privacy Control or Do Not Track, which
 * stand for no, then the site's word that it has been asked before.
 *
 * @param {boolean} given
 */
export function createConsent(given) {
  const unwilling = /** @type {any} */ (navigator).globalPrivacyControl || navigator.doNotTrack === "1";
  /** @type {Answer} */
  let answer = stored() ?? (unwilling ? "denied" : given ? "granted" : "");
  return {
    get answer() {
      return answer;
    },
    get isGranted() {
      return answer === "granted";
    },
    /** @param {Answer} said */
    say(said) {
      answer = said;
    },
    /** Other pages, and later ones, hear of it from here on. */
    keep() {
      write("consent", answer);
    },
  };
}
