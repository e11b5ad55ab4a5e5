/** Errors of the page's scripts: each once, and not more than a few of a page. */

const MOST = 10;
const FOREIGN = /^(chrome|moz|safari(-web)?)-extension:/;

/** @param {(properties: import("./types.js").Properties) => void} report */
export function watchFaults(report) {
  const told = new Set();

  /**
   * @param {string} kind
   * @param {string} message
   * @param {{ source?: string, line?: number, column?: number, stack?: unknown }} more
   */
  function fault(kind, message, { source = "", line = 0, column = 0, stack }) {
    const same = [message, source, line, column].join();
    if (FOREIGN.test(source) || told.has(same) || told.size >= MOST) return;
    told.add(same);
    report({
      kind,
      message: message.slice(0, 500),
      source: source.slice(0, 500),
      line,
      column,
      ...(typeof stack === "string" && { stack: stack.slice(0, 2_000) }),
    });
  }

  addEventListener("error", (event) => {
    const { message, filename, lineno, colno, error } = event;
    if (message) fault("error", message, { source: filename, line: lineno, column: colno, stack: error?.stack });
  });
  addEventListener("unhandledrejection", ({ reason }) => {
    fault("rejection", String(reason?.message ?? reason), { stack: reason?.stack });
  });
}
