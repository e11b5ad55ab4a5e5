/**
 * Forms: begun, sent, left behind. Of fields only how many were used and the name of the last one, never a value; but
 * what stands in a form with `data-pulse-lead` is sent as a lead.
 */

/** @typedef {{ began: number, fields: Set<string>, last: string }} Filling */

/**
 * @param {import("./types.js").Emit} track
 * @param {(fields: import("./types.js").Properties, form: HTMLFormElement) => Promise<unknown>} lead
 */
export function watchForms(track, lead) {
  const shown = performance.now();
  /** @type {Map<HTMLFormElement, Filling>} */
  const open = new Map();

  /** @param {HTMLFormElement} form @param {Filling} filling */
  const told = (form, { began, fields, last }) => ({
    form: nameOf(form),
    fields: fields.size,
    last_field: last,
    duration_ms: Math.round(performance.now() - began),
  });

  document.addEventListener("input", ({ target }) => {
    const field = /** @type {HTMLInputElement} */ (target);
    const form = field?.form;
    if (!form || form.closest("[data-pulse-ignore]")) return;
    let filling = open.get(form);
    if (!filling) {
      filling = { began: performance.now(), fields: new Set(), last: "" };
      open.set(form, filling);
      track("form_start", { form: nameOf(form) });
    }
    filling.last = String(field.name || field.id || field.type || field.localName).slice(0, 200);
    filling.fields.add(filling.last);
  });

  document.addEventListener("submit", ({ target }) => {
    const form = /** @type {HTMLFormElement} */ (target);
    if (form.closest("[data-pulse-ignore]")) return;
    const filling = open.get(form) ?? { began: performance.now(), fields: new Set(), last: "" };
    open.delete(form);
    track("form_submit", told(form, filling));
    if (!form.hasAttribute("data-pulse-lead")) return;
    const seconds = Math.round(performance.now() - shown) / 1_000;
    lead({ form: nameOf(form), ...valuesOf(form), __pg_tts: seconds }, form).catch((fault) => console.warn(fault));
  });

  // before the tracker sends all there is
  addEventListener("pagehide", () => abandon(() => true), true);
  new MutationObserver(() => abandon((form) => !form.isConnected)).observe(document, { childList: true, subtree: true });

  /** @param {(form: HTMLFormElement) => boolean} isLeft */
  function abandon(isLeft) {
    for (const [form, filling] of open) {
      if (!isLeft(form)) continue;
      open.delete(form);
      track("form_abandon", told(form, filling));
    }
  }
}

/** Of which nothing is sent. */
const HIDDEN = "[type=password],[autocomplete*=password],[data-pulse-ignore]";
/** A field called `elements` stands in the way of its form's own. */
const elements = Object.getOwnPropertyDescriptor(HTMLFormElement.prototype, "elements")?.get;

/** What stands in a form, but for passwords, files and what is not to be seen. @param {HTMLFormElement} form */
function valuesOf(form) {
  /** @type {Record<string, string | string[]>} */
  const values = {};
  const data = new FormData(form);
  const hidden = new Set([...elements?.call(form)].map((field) => field.closest(HIDDEN) && field.name));
  for (const name of new Set(data.keys())) {
    const texts = data.getAll(name).filter((value) => typeof value === "string");
    if (!hidden.has(name) && texts.length) values[name] = texts.length > 1 ? texts : texts.join("");
  }
  return values;
}

/** By attributes alone: a field called `id` stands in the way of its form's own. @param {HTMLFormElement} form */
function nameOf(form) {
  const named = ["data-pulse-form", "id", "name"].map((name) => form.getAttribute(name)).find(Boolean);
  return (named || pathOf(form.getAttribute("action")) || `form ${[...document.forms].indexOf(form) + 1}`).slice(0, 200);
}

/** @param {string | null} action */
function pathOf(action) {
  try {
    return action && new URL(action, location.href).pathname;
  } catch {
    return null;
  }
}
