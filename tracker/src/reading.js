/** How long a page is really looked at, visible and in focus, and how far down it is read. */

const LEAST_MS = 500;

/** @param {(properties: { engaged_ms: number, scroll_percent: number }) => void} report */
export function watchReading(report) {
  let since = 0;
  let engaged = 0;
  let deepest = 0;
  let told = -1;

  const isLooking = () => document.visibilityState === "visible" && document.hasFocus();

  function look() {
    const now = performance.now();
    if (since) engaged += now - since;
    since = isLooking() ? now : 0;
  }

  function scroll() {
    const { scrollHeight } = document.documentElement;
    const reached = Math.min(100, Math.round(((scrollY + innerHeight) / Math.max(scrollHeight, 1)) * 100));
    deepest = Math.max(deepest, reached);
  }

  addEventListener("focus", look);
  addEventListener("blur", look);
  document.addEventListener("visibilitychange", look);
  document.addEventListener("scroll", scroll, { passive: true });
  look();

  return {
    /** Tell what has come since it was last told. */
    tell() {
      look();
      scroll();
      if (engaged < LEAST_MS && deepest === told) return;
      report({ engaged_ms: Math.round(engaged), scroll_percent: deepest });
      engaged = 0;
      told = deepest;
    },
    /** Another page is shown. */
    begin() {
      look();
      engaged = deepest = 0;
      told = -1;
    },
  };
}
