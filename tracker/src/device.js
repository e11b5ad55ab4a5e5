/**
 * Signals of the device, for telling machines and masks from people. A part of its own, which is fetched only with
 * the visitor's consent or where the site says that its security wants it. Drawings and sounds leave the browser as
 * keyed hashes alone, so that two sites' are not to be compared.
 */
import { automation, inconsistencies } from "./automation.js";
import { fnv } from "./fnv.js";
import { audio, canvas, fonts, gpu } from "./rendering.js";

/** @param {string} key The site's, under which all is hashed. */
export async function gather(key) {
  const hashed = (/** @type {string} */ text) => text && fnv(`${key}\0${text}`);
  const own = /** @type {any} */ (navigator);
  const card = gpu();
  const list = fonts();
  const lasting = {
    canvas: hashed(canvas()),
    audio: hashed(await audio()),
    gpu: card.vendor,
    gpu_model: hashed(card.renderer),
    fonts: hashed(list.join()),
    font_count: list.length,
    cores: own.hardwareConcurrency ?? 0,
    memory_gb: own.deviceMemory ?? 0,
    touch_points: own.maxTouchPoints ?? 0,
    colour_depth: screen.colorDepth,
    screen: [screen.width, screen.height].sort((a, b) => b - a).join("x"),
    platform: String(own.platform ?? "").slice(0, 64),
  };
  return {
    ...lasting,
    pixel_ratio: devicePixelRatio,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    utc_offset_min: -new Date().getTimezoneOffset(),
    languages: [...navigator.languages].slice(0, 10).join(),
    automation: automation(card.renderer).join(),
    inconsistent: inconsistencies().join(),
    fingerprint_id: fnv(`${key}\0${JSON.stringify(lasting)}`),
  };
}
