// Where we are: the path (without the place of the box) and the query of the address. Links are plain <a href>; within our own pages
// they change the address without loading anything.
import { signal, batch } from "./h.js";
import { placed, bare } from "./place.js";

export const path = signal(bare(location.pathname));
export const query = signal(Object.fromEntries(new URLSearchParams(location.search)));
let inside = () => false; // whether a path is one of this page's own

const read = () =>
  batch(() => {
    path.value = bare(location.pathname).replace(/(.)\/$/, "$1");
    query.value = Object.fromEntries(new URLSearchParams(location.search));
  });

/** go(to, {replace}): to an address of ours. */
export function go(to, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", placed(to));
  read();
  if (!replace) scrollTo(0, 0);
}

/** setQuery({state: "failed", after: null}): changes the query; null and "" take away. */
export function setQuery(change, { replace = true } = {}) {
  const q = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(change))
    if (value === null || value === undefined || value === "") q.delete(name);
    else q.set(name, value);
  const text = q.toString();
  go(bare(location.pathname) + (text ? "?" + text : ""), { replace });
}

/** match("/admin/tenants/{id}", path): the parameters, or null. */
export function match(pattern, at) {
  const a = pattern.split("/"),
    b = at.split("/"),
    out = {};
  if (a.length !== b.length) return null;
  for (let i = 0; i < a.length; i++) {
    const name = a[i].match(/^\{(\w+)\}$/)?.[1];
    if (name && b[i]) out[name] = decodeURIComponent(b[i]);
    else if (a[i] !== b[i]) return null;
  }
  return out;
}

/** start(inside): begin to listen to links and to the browser's back. */
export function start(own) {
  inside = own;
  read();
  addEventListener("popstate", read);
  document.addEventListener("click", (e) => {
    const a = e.target.closest?.("a[href]");
    if (
      !a ||
      e.defaultPrevented ||
      e.button ||
      e.metaKey ||
      e.ctrlKey ||
      e.shiftKey ||
      e.altKey ||
      a.target ||
      a.hasAttribute("download")
    )
      return;
    const to = new URL(a.href);
    if (
      to.origin !== location.origin ||
      !inside(bare(to.pathname)) ||
      (to.hash && to.pathname === location.pathname)
    )
      return;
    e.preventDefault();
    go(bare(to.pathname) + to.search + to.hash);
  });
}
