/** Traces of a browser that a program drives, and of one that claims to be another. */

const GLOBALS = /^(_phantom|callPhantom|phantom|__nightmare|domAutomation|domAutomationController|__webdriver_\w+|__selenium_\w+|__playwright\w*|__pw\w+|__puppeteer\w*|cdc_\w+|\$cdc_\w+|\$chrome_asyncScriptInfo)$/;

const own = () => /** @type {any} */ (navigator);

/** @param {Record<string, unknown>} found @returns {string[]} The names of what is so. */
const namesOf = (found) => Object.keys(found).filter((name) => found[name]);

/** @param {string} renderer The graphics card's name. */
export function automation(renderer) {
  const agent = navigator.userAgent;
  return namesOf({
    webdriver: own().webdriver,
    headless_agent: /headless/i.test(agent),
    program_globals: [...Object.getOwnPropertyNames(window), ...Object.getOwnPropertyNames(document)].some((name) => GLOBALS.test(name)),
    no_languages: !navigator.languages?.length,
    no_plugins: /chrome\/\d/i.test(agent) && !/mobile|android/i.test(agent) && !navigator.plugins?.length,
    no_window: !outerWidth && !outerHeight,
    no_round_trip: own().connection?.rtt === 0,
    software_graphics: /swiftshader|llvmpipe|softpipe/i.test(renderer),
  });
}

/** What does not agree with itself. */
export function inconsistencies() {
  const agent = navigator.userAgent;
  const platform = String(own().platform ?? "");
  const hints = own().userAgentData;
  // tablets with Android say neither in their agent nor in their hints that they are mobile
  const isMobile = /\bmobile\b/i.test(agent);
  return namesOf({
    language: navigator.languages?.length && navigator.language !== navigator.languages[0],
    platform:
      (/windows nt/i.test(agent) && !/^win/i.test(platform)) ||
      (/mac os x/i.test(agent) && !/^(mac|iphone|ipad|ipod)/i.test(platform)) ||
      (/android|linux/i.test(agent) && platform && !/linux|android|arm|aarch/i.test(platform)),
    client_hints: hints && (hints.mobile !== isMobile || (/windows nt/i.test(agent) && hints.platform !== "Windows")),
    touch: /iphone|android.*\bmobile\b/i.test(agent) && !navigator.maxTouchPoints,
    timezone: zoneOffset() !== -new Date().getTimezoneOffset(),
    navigator_changed: Object.getOwnPropertyNames(navigator).length > 0 || !isNative("webdriver") || !isNative("userAgent"),
    screen: screen.width < screen.availWidth || screen.height < screen.availHeight,
  });
}

/** @param {string} name */
function isNative(name) {
  const get = Object.getOwnPropertyDescriptor(Navigator.prototype, name)?.get;
  return !get || /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(get));
}

/** The offset in minutes of the time zone that the browser names. */
function zoneOffset() {
  const now = new Date();
  now.setSeconds(0, 0);
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric",
  }).formatToParts(now);
  const of = (/** @type {string} */ type) => Number(parts.find((part) => part.type === type)?.value);
  return Math.round((Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute")) - now.getTime()) / 60_000);
}
