/** Pages as the visitor sees them, be they loaded or put in place by the site's own script. */

/**
 * @param {boolean} withHash Whether another hash is another page.
 * @param {() => void} view
 */
export function watchPages(withHash, view) {
  const place = () => location.pathname + location.search + (withHash ? location.hash : "");
  let shown = place();
  const look = () => {
    if (place() === shown) return;
    shown = place();
    view();
  };
  // a site names its new page after it has moved there: what it does at once is waited for
  const soon = () => setTimeout(look);
  for (const name of /** @type {const} */ (["pushState", "replaceState"])) {
    const native = history[name];
    history[name] = function (...given) {
      native.apply(this, given);
      soon();
    };
  }
  addEventListener("popstate", soon);
  if (withHash) addEventListener("hashchange", soon);
  addEventListener("pageshow", (event) => event.persisted && view());
  view();
}

/** Tells whether whoever goes leaves the site, where the browser lets a page know. */
export function createLeaving() {
  const navigation = /** @type {any} */ (window).navigation;
  let stays = !navigation;
  navigation?.addEventListener("navigate", (/** @type {any} */ event) => {
    if (event.downloadRequest != null) return;
    const { url, sameDocument } = event.destination;
    stays = !sameDocument && new URL(url).origin === location.origin;
  });
  return () => !stays;
}
