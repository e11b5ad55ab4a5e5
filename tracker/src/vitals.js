/** How long the page took, in the words of the contract; told once, when it is first left. A part of its own. */
import { onCLS, onFCP, onINP, onLCP, onTTFB } from "web-vitals";

/** @param {(measured: import("./types.js").Properties) => void} report */
export function watchVitals(report) {
  /** @type {Record<string, number>} */
  const measured = {};
  let isTold = false;
  for (const watch of [onCLS, onFCP, onINP, onLCP, onTTFB]) {
    watch(
      ({ name, value }) => {
        const digits = name === "CLS" ? 10_000 : 10;
        measured[name.toLowerCase()] = Math.round(value * digits) / digits;
      },
      { reportAllChanges: true },
    );
  }

  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "hidden" || isTold) return;
    const loaded = /** @type {PerformanceNavigationTiming | undefined} */ (performance.getEntriesByType("navigation")[0]);
    if (loaded?.loadEventEnd) measured.load = Math.round(loaded.loadEventEnd * 10) / 10;
    if (!Object.keys(measured).length) return;
    isTold = true;
    report(measured);
  });
}
