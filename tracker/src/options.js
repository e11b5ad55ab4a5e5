/** What a page asks for: the attributes of its script element, or what it gives to `init`. */

/** @param {string | null | undefined} text */
const words = (text) => new Set((text ?? "").split(/[\s,]+/).filter(Boolean));

/**
 * The options of a script element's `data-` attributes; without `data-key` it begins nothing by itself.
 *
 * @param {HTMLScriptElement | null} script
 * @returns {Partial<import("./types.js").Options>}
 */
export function ofScript(script) {
  const data = script?.dataset ?? {};
  return {
    key: data.key ?? "",
    endpoint: data.endpoint ?? (script?.src ? new URL(script.src).origin : location.origin),
    consent: data.consent === "granted",
    security: "security" in data,
    on: words(data.on),
    off: words(data.off),
  };
}

/**
 * Options whole: what `init` was given, on top of what the script element says. Lists may be texts.
 *
 * @param {Partial<import("./types.js").Options>} own
 * @param {Record<string, any>} given
 * @returns {import("./types.js").Options}
 * @throws {Error} where neither names a key.
 */
export function whole(own, given) {
  const list = (/** @type {any} */ each) => (typeof each === "string" ? words(each) : new Set(each ?? []));
  /** @type {Record<string, any>} */
  const all = { ...own, ...given };
  if (!all.key) throw new Error("pulse: no key: give the script data-key, or init({key})");
  return {
    key: all.key,
    endpoint: String(all.endpoint).replace(/\/+$/, ""),
    consent: all.consent === true || all.consent === "granted",
    security: !!all.security,
    on: list(all.on),
    off: list(all.off),
  };
}
