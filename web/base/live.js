// What changes on the box, as it changes: one event stream for all tabs of a browser, with polling when
// there is none. A page says which kinds of objects it shows and reads them anew when one has changed.
import { effect, useEffect, useRef, signal } from "./h.js";
import { get, me, online } from "./api.js";

export const stream = signal("off"); // "live", "polling" or "off"
const listeners = new Set();
const TOPICS = "all";
let source = null, leader = false, poll = 0, last = "", retry = 0;
const channel = "BroadcastChannel" in self ? new BroadcastChannel("sett.live") : null;

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
if (channel) channel.onmessage = (e) => { if (!leader) take(e.data.kind, e.data.data); };

function open() {
  source?.close();
  source = new EventSource(`/api/events/stream?topics=${TOPICS}${last ? `&after=${last}` : ""}`);
  source.addEventListener("open", () => { retry = 0; clearInterval(poll); poll = 0; spread("state", "live"); });
  source.addEventListener("change", (e) => { last = e.lastEventId || last; spread("change", JSON.parse(e.data)); });
  source.addEventListener("ready", (e) => { last = e.lastEventId || last; });
  source.addEventListener("reset", (e) => { last = e.lastEventId; spread("change", { object: "*", id: "", change: "reset" }); });
  source.addEventListener("error", () => {
    spread("state", "polling");
    if (!poll) poll = setInterval(() => spread("change", { object: "*", id: "", change: "poll" }), 10000);
    if (source?.readyState === EventSource.CLOSED && leader) // refused: try again later, ever less often
      setTimeout(() => leader && open(), Math.min(30000, 1000 * 2 ** retry++));
  });
}

// What could not be read because the box did not answer is read as soon as it does again, whatever the stream heard meanwhile.
effect(() => {
  if (online.value || stream.value === "off") return;
  const ask = setInterval(() => get("/health").then(() => tell({ object: "*", id: "", change: "reset" }), () => {}), 2000);
  return () => clearInterval(ask);
});

let release = null;
/** Begin; one tab holds the stream for all, and when it is closed another one takes over. */
export function startLive() {
  if (release) return;
  if (!navigator.locks || !channel) { leader = true; release = () => {}; open(); return; }
  const since = Date.now();
  navigator.locks.request("sett.live", () => new Promise((done) => {
    release = done;
    leader = true;
    open();
    if (Date.now() - since > 1000) spread("change", { object: "*", id: "", change: "reset" }); // what the tab before heard last is not known
  })).catch(() => {});
  release ||= () => {};
  stream.value = "live";
}
export function stopLive() {
  source?.close();
  source = null;
  clearInterval(poll);
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
    const call = () => { wait = 0; last.current(); };
    const hear = (c) => {
      if (c.object !== "*" && (!kinds.includes(c.object) || (ids && !ids.includes(c.id)))) return;
      if (document.hidden && c.change === "poll") return;
      wait ||= setTimeout(call, 400);
    };
    listeners.add(hear);
    return () => { listeners.delete(hear); clearTimeout(wait); };
  }, [kinds.join(), ids?.join()]);
}

/** Events of one job or another stream of its own: {name: handler}. Ends with the component. */
export function useStream(path, handlers, active = true) {
  useEffect(() => {
    if (!active || !path) return;
    const s = new EventSource(path);
    for (const [name, handle] of Object.entries(handlers))
      s.addEventListener(name, (e) => handle(e.data ? JSON.parse(e.data) : null, s));
    return () => s.close();
  }, [path, active]);
}
export { me };
