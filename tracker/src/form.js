import { watchForms } from "./forms.js";

const begin = () => watchForms(/** @type {any} */ (window).pulse.track, /** @type {any} */ (window).pulse.lead);
if (/** @type {any} */ (window).pulse) begin();
else document.addEventListener("pulse:ready", begin, { once: true });
