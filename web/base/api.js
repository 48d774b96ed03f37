// The API: get and send. A refusal is thrown as Problem, as the API says it (RFC 9457), so that what is
// shown has cause, remedy and request id. Nothing else in the admin calls fetch.
import { signal } from "./h.js";
import { placed } from "./place.js";

export const me = signal(null); // who is signed in: GET /api/auth/me; null: nobody
export const online = signal(true); // false while the box does not answer

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `HTTP ${status}`);
    Object.assign(this, {
      status,
      code: body.code || "unknown",
      hint: body.hint || "",
      request: body.request_id || "",
    });
    this.errors = body.errors || []; // [{pointer, code, detail}] of fields
    this.job = body.job || null;
    this.body = body;
  }
  /** What is said of the field `name` (a name, or a path such as "limits.pids"), or "". */
  of(name) {
    const at = "/" + name.replaceAll(".", "/");
    return this.errors.find((e) => e.pointer === at || e.pointer?.startsWith(at + "/"))?.detail || "";
  }
}

// Asked for when an act needs the password again; resolves to whether it was given.
export const hooks = { fresh: () => import("./second.js").then((m) => m.askFresh()) };

const query = (params) => {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(params || {}))
    if (value !== undefined && value !== null && value !== "") q.set(name, value);
  const text = q.toString();
  return text ? "?" + text : "";
};
export const url = (path, params) => path + query(params);

async function ask(method, path, { body, headers = {}, signal: stop } = {}) {
  const head = { Accept: "application/json", ...headers };
  if (body !== undefined && !head["Content-Type"]) head["Content-Type"] = "application/json";
  if (method !== "GET" && me.value?.csrf_token) head["X-CSRF"] = me.value.csrf_token;
  let answer;
  try {
    const sent = body === undefined || body instanceof Blob ? body : JSON.stringify(body);
    answer = await fetch(placed(path), {
      method,
      headers: head,
      body: sent,
      credentials: "same-origin",
      signal: stop,
    });
  } catch (e) {
    if (e.name === "AbortError") throw e;
    online.value = false;
    throw new Problem(0, { code: "offline", detail: e.message });
  }
  // 502 to 504 with nothing of ours in it: the web server stands, the box behind it does not.
  const text = answer.status === 204 ? "" : await answer.text();
  let said = {};
  try {
    said = text && /json/.test(answer.headers.get("Content-Type") || "") ? JSON.parse(text) : { text };
  } catch {
    said = { detail: text.slice(0, 200) };
  }
  online.value = !(answer.status === 502 || answer.status === 504 || said.code === "front_down");
  if (answer.ok) return said;
  if (answer.status === 401 && me.value && !path.startsWith("/api/auth/")) me.value = null;
  // The role was given the duty of a second factor meanwhile: the way in asks for it.
  if (said.code === "second_factor_needed" && me.value) me.value = { ...me.value, second_factor: "enrol" };
  if (said.code === "password_once" && me.value?.user) me.value = { ...me.value, user: { ...me.value.user, password_once: true } };
  throw new Problem(answer.status, said);
}

/** get(path, params): the answer's JSON. `stop`: an AbortSignal. */
export const get = (path, params, stop) => ask("GET", url(path, params), { signal: stop });

/** send(method, path, body, {params, headers}): a change. If the password is needed again it is asked for, once. */
export async function send(method, path, body, { params, headers = {}, ...more } = {}) {
  const call = () => ask(method, url(path, params), { body, headers, ...more });
  if (method === "POST" && !headers["Idempotency-Key"])
    headers = { ...headers, "Idempotency-Key": randomId() };
  try {
    return await call();
  } catch (p) {
    if (p.code !== "password_needed" || !hooks.fresh || !(await hooks.fresh())) throw p;
    return call();
  }
}

/** plan(method, path, body, params): what the change would do (plan=1); changes nothing. */
export const plan = (method, path, body, params) => ask(method, url(path, { ...params, plan: 1 }), { body });

/** all(path, params, most): items of a list over its pages, at most `most`. For short lists only. */
export async function all(path, params, most = 500) {
  const out = [];
  for (let after; ;) {
    const page = await get(path, { limit: 100, ...params, starting_after: after });
    out.push(...page.data);
    after = page.next || out.at(-1)?.id;
    if (!page.has_more || !after || out.length >= most) return out.slice(0, most);
  }
}

const randomId = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");

/** Whether who is signed in has at least this role. */
const roles = ["public", "customer", "viewer", "operator", "admin"];
export const may = (role) => roles.indexOf(me.value?.role || "public") >= roles.indexOf(role);

/** whoami(): reads `me` anew; null when nobody is signed in. Throws what is not 401. */
export async function whoami() {
  try {
    me.value = await ask("GET", "/api/auth/me");
  } catch (p) {
    if (p.status !== 401) throw p;
    me.value = null;
  }
  return me.value;
}
