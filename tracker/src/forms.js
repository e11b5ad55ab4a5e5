/** Forms: begun, sent, left behind. Of fields only how many were used and the name of the last one, never a value. */

/** @typedef {{ began: number, fields: Set<string>, last: string }} Filling */

/** @param {import("./types.js").Emit} track */
export function watchForms(track) {
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
