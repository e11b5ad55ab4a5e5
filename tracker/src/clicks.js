/** Clicks: those that a page names, those out of the site and on files, and all others where that is asked. */

const FILES = /\.(7z|apk|avi|csv|dmg|docx?|epub|exe|gz|iso|mov|mp[34]|msi|ods|odt|pdf|pkg|pptx?|rar|tar|tgz|txt|wav|webm|xlsx?|zip)$/i;
const CONTROLS = "a,button,input,select,textarea,label,summary,[role=button],[role=link],[role=tab],[onclick]";
const MOST_NAMED = 200;

/**
 * @param {import("./types.js").Options} options
 * @param {import("./types.js").Emit} emit
 * @param {() => void} count
 */
export function watchClicks(options, emit, count) {
  /** @param {MouseEvent} event */
  function click(event) {
    const target = event.target instanceof Element ? event.target : null;
    if (!target || (event.type === "auxclick" && event.button !== 1)) return;
    count();
    const named = /** @type {HTMLElement | null} */ (target.closest("[data-pulse-event]"));
    if (named) emit(String(named.dataset.pulseEvent), given(named));
    const link = /** @type {HTMLAnchorElement | null} */ (target.closest("a[href]"));
    if (link) follow(link);
    const control = options.on.has("clicks") && target.closest(CONTROLS);
    if (control) emit("click", { element: path(control), x: Math.round(event.pageX), y: Math.round(event.pageY) });
  }

  /** @param {HTMLAnchorElement} link */
  function follow(link) {
    if (!/^https?:$/.test(link.protocol)) return;
    const href = link.href.slice(0, 1_024);
    const file = link.pathname.match(FILES);
    if (!options.off.has("downloads") && (file || link.hasAttribute("download"))) {
      emit("file_download", { href, ...(file && { extension: String(file[1]).toLowerCase() }) });
    } else if (!options.off.has("outbound") && link.host !== location.host) {
      emit("outbound_link", { href, host: link.hostname });
    }
  }

  addEventListener("click", click, true);
  addEventListener("auxclick", click, true);
}

/**
 * What an element's `data-pulse-…` attributes say, but for the event's name: `data-pulse-plan-size` is `plan_size`.
 *
 * @param {HTMLElement} element
 */
function given(element) {
  /** @type {Record<string, string>} */
  const properties = {};
  for (const { name, value } of element.attributes) {
    if (name.startsWith("data-pulse-") && name !== "data-pulse-event") {
      properties[name.slice(11).replaceAll("-", "_")] = value.slice(0, 1_024);
    }
  }
  return properties;
}

/**
 * An element and two around it, as a selector: what it is, never what stands in it.
 *
 * @param {Element} element
 */
function path(element) {
  const steps = [];
  for (let at = /** @type {Element | null} */ (element); at && steps.length < 3; at = at.parentElement) {
    // not its property: in a form that may be the field of this name
    const id = at.getAttribute("id");
    steps.unshift(at.localName + (id ? `#${id}` : [...at.classList].slice(0, 2).map((name) => `.${name}`).join("")));
    if (id) break;
  }
  return steps.join(">").slice(0, MOST_NAMED);
}
