// Where the box lives on its host: at the top, or below a path that a reverse proxy gave it. This file's own
// address tells. Everything else writes addresses as if it were the top; they are made here, in one place.
const files = new URL("..", import.meta.url);

/** "", or "/sett" with the box at https://example.com/sett/. */
export const place = files.pathname.replace(/\/(assets\/[0-9a-f]+\/)?$/, "");

/** placed("/admin"): as the browser knows it. What does not begin with one slash stays. */
export const placed = (to) => (place && /^\/(?!\/)/.test(to) ? place + to : to);

/** bare("/sett/admin"): as pages know it, "/admin". */
export const bare = (path) =>
  place && (path + "/").startsWith(place + "/") ? path.slice(place.length) || "/" : path;

/** file("icons.svg"): the address of a file that ships with the pages. */
export const file = (name) => new URL(name, files).href;
