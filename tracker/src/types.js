/**
 * @typedef {Record<string, unknown>} Properties
 *
 * @typedef {{ event: string, event_id: string, ts: number, [field: string]: unknown }} PulseEvent What a collector
 *   takes: docs/events.md.
 *
 * @typedef {(name: string, properties?: Properties, fields?: Properties) => void} Emit
 *
 * @typedef {object} Options
 * @property {string} key The site's public key.
 * @property {string} endpoint Where the collector is, `https://collect.example.com`.
 * @property {boolean} consent Whether the site has the visitor's consent before it loads this.
 * @property {boolean} security Whether device signals are gathered for the site's security, without consent.
 * @property {Set<string>} on What is done besides the usual.
 * @property {Set<string>} off What of the usual is not done.
 *
 * @typedef {object} Session
 * @property {string} id
 * @property {number} began ms since the epoch
 * @property {number} seen When it last did something.
 * @property {boolean} ended Whether its end was told, as of then.
 * @property {number} pages
 * @property {number} clicks
 * @property {number} engaged_ms
 * @property {number} scroll_percent
 * @property {string} [fingerprint]
 */
export {};
