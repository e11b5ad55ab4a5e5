/** The browser's storage; where it is full, forbidden or absent, the page alone remembers. */

const PREFIX = "pulse.";
/** What could not be stored. @type {Map<string, string>} */
const unstored = new Map();

/** @param {string} name @returns {any} */
export function read(name) {
  try {
    return JSON.parse(unstored.get(name) ?? localStorage.getItem(PREFIX + name) ?? "null");
  } catch {
    return null;
  }
}

/** @param {string} name @param {unknown} value Nothing is kept of `null`. */
export function write(name, value) {
  unstored.delete(name);
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    if (value !== null) unstored.set(name, JSON.stringify(value));
  }
}

/** @param {string} beginning @returns {string[]} The names of what is kept that begin so. */
export function names(beginning) {
  try {
    return Object.keys(localStorage)
      .filter((name) => name.startsWith(PREFIX + beginning))
      .map((name) => name.slice(PREFIX.length));
  } catch {
    return [];
  }
}
