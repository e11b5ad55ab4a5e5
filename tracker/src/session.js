/** A visit: begun by the first event, over after half an hour of silence, and shared by the tabs of a browser. */
import { read, write } from "./store.js";
import { uuid } from "./uuid.js";

const SILENCE_MS = 1_800_000;

/** @param {import("./types.js").Session} session */
const told = ({ began, seen, pages, clicks, engaged_ms, scroll_percent }) => ({
  duration_ms: seen - began,
  pages,
  clicks,
  engaged_ms,
  scroll_percent,
});

/**
 * @param {(name: string, session: import("./types.js").Session, at: number, properties?: object) => void} tell Takes
 *   the events of a session's own.
 */
export function createSession(tell) {
  /** @returns {import("./types.js").Session | null} */
  const stored = () => {
    const found = read("session");
    return found?.id ? found : null;
  };

  /** @param {import("./types.js").Session} session */
  function end(session) {
    if (!session.ended) tell("session_end", session, session.seen, told(session));
  }

  return {
    stored,

    /** The session of something that happens now; one that was silent for too long gives way to another. */
    current() {
      const now = Date.now();
      let session = stored();
      if (!session || now - session.seen > SILENCE_MS) {
        if (session) end(session);
        session = { id: uuid(), began: now, seen: now, ended: false, pages: 0, clicks: 0, engaged_ms: 0, scroll_percent: 0 };
        tell("session_start", session, now);
      }
      session.seen = now;
      session.ended = false;
      write("session", session);
      return session;
    },

    /** @param {Partial<import("./types.js").Session>} more Is added to what the session counts. */
    count(more) {
      const session = stored();
      if (!session) return;
      session.pages += more.pages ?? 0;
      session.clicks += more.clicks ?? 0;
      session.engaged_ms += more.engaged_ms ?? 0;
      session.scroll_percent = Math.max(session.scroll_percent, more.scroll_percent ?? 0);
      if (more.fingerprint) session.fingerprint = more.fingerprint;
      write("session", session);
    },

    /** The visitor leaves, for all that can be seen; who comes back in time goes on with the session. */
    leave() {
      const session = stored();
      if (!session) return;
      session.seen = Date.now();
      end(session);
      write("session", { ...session, ended: true });
    },
  };
}
