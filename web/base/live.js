// What changes on the box, as it changes: one event stream for all tabs of a browser, with polling when
// there is none. A page says which kinds of objects it shows and reads them anew when one has changed.
import { effect, useEffect, useRef, signal } from "./h.js";
import { placed, place } from "./place.js";
import { get, online } from "./api.js";

export const stream = signal("off"); // "live", "polling" or "off"
const FIRST = 6000,
  QUIET = 40000,
  POLL = 5000; // ms: until the first word of a stream, without one (it says something each 15 s), between polls
const listeners = new Set(),
  all = (change) => ({ object: "*", id: "", change });
let source = null,
  leader = false,
  poll = 0,
  watch = 0,
  first = 0,
  heard = 0,
  last = "",
  retry = 0;
const channel = "BroadcastChannel" in self ? new BroadcastChannel("sett.live" + place) : null;

function tell(change) {
  for (const l of listeners) l(change);
}
function spread(kind, data) {
  channel?.postMessage({ kind, data });
  take(kind, data);
}
function take(kind, data) {
  if (kind === "state") stream.value = data;
  else tell(data);
}
if (channel)
  channel.onmessage = (e) => {
    if (!leader) take(e.data.kind, e.data.data);
  };

/** Without a stream: what has changed since the last answer, as a list. */
async function pull() {
  const a = await get("/api/changes", { after: last }).catch(() => null);
  if (!a || !leader) return;
  if (a.reset || !last) spread("change", all("reset"));
  for (const c of a.data) spread("change", c);
  last = a.place;
  if (a.has_more) pull();
}
function polling(on) {
  if (on === !!poll && stream.value === (on ? "polling" : "live")) return;
  clearInterval(poll);
  poll = on ? setInterval(pull, POLL) : 0;
  spread("state", on ? "polling" : "live");
}

function open() {
  source?.close();
  clearTimeout(first);
  heard = Date.now();
  source = new EventSource(placed(`/api/events/stream?topics=all${last ? `&after=${last}` : ""}`));
  const on = (name, then) =>
    source.addEventListener(name, (e) => {
      clearTimeout(first);
      heard = Date.now();
      retry = 0;
      last = e.lastEventId || last;
      polling(false);
      then?.(e);
    });
  on("ready");
  on("beat");
  on("change", (e) => spread("change", JSON.parse(e.data)));
  on("reset", () => spread("change", all("reset")));
  source.addEventListener("error", () => {
    polling(true);
    if (source?.readyState === EventSource.CLOSED)
      first = setTimeout(() => leader && open(), Math.min(30000, 1000 * 2 ** retry++)); // refused: later, ever less often
  });
  first = setTimeout(() => polling(true), FIRST); // something on the way holds it back
}

// What could not be read because the box did not answer is read as soon as it does again, whatever the stream heard meanwhile.
effect(() => {
  if (online.value || stream.value === "off") return;
  const ask = setInterval(
    () =>
      get("/health").then(
        () => tell(all("reset")),
        () => {},
      ),
    2000,
  );
  return () => clearInterval(ask);
});

let release = null;
function lead() {
  leader = true;
  open();
  watch = setInterval(() => {
    if (Date.now() - heard > QUIET) {
      polling(true);
      open();
    }
  }, 10000); // a connection that died without a word
}
/** Begin; one tab holds the stream for all, and when it is closed another one takes over. */
export function startLive() {
  if (release) return;
  stream.value = "live";
  if (!navigator.locks || !channel) {
    release = () => {};
    lead();
    return;
  }
  const since = Date.now(),
    stop = new AbortController();
  release = () => stop.abort();
  navigator.locks
    .request(
      "sett.live" + place,
      { signal: stop.signal },
      () =>
        new Promise((done) => {
          release = done;
          lead();
          if (Date.now() - since > 1000) tell(all("reset")); // what the tab before heard last is not known
        }),
    )
    .catch(() => {});
}
export function stopLive() {
  source?.close();
  source = null;
  for (const each of [poll, watch, first]) clearInterval(each);
  poll = 0;
  leader = false;
  release?.();
  release = null;
  stream.value = "off";
}

/** useLive(["tenant", "job"], again, ids): `again` is called when such an object has changed (one of `ids`,
 * if given), at most twice a second, and after the connection was lost. */
export function useLive(kinds, again, ids) {
  const last = useRef(again);
  last.current = again;
  useEffect(() => {
    let wait = 0;
    const call = () => {
      wait = 0;
      last.current();
    };
    const hear = (c) => {
      if (c.object !== "*" && (!kinds.includes(c.object) || (ids && !ids.includes(c.id)))) return;
      wait ||= setTimeout(call, 400);
    };
    listeners.add(hear);
    return () => {
      listeners.delete(hear);
      clearTimeout(wait);
    };
  }, [kinds.join(), ids?.join()]);
}
