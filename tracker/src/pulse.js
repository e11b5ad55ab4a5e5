import { install } from "./api.js";
import { watchForms } from "./forms.js";

const pulse = install();
/** @type {any} */ (window).PulseGate = pulse;
watchForms(pulse.track, pulse.lead);
