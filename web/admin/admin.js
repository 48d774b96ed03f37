// The admin: tenants and the jobs about them. Speaks only the API, with the session's cookie; builds
// the page from elements, never from strings.
const $ = (id) => document.getElementById(id);
let csrf = "", after = null, stream = null;

async function api(method, path, body) {
  const headers = { Accept: "application/json" };
  if (body) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF"] = csrf;
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body), credentials: "same-origin" });
  const said = answer.status === 204 ? {} : await answer.json();
  if (!answer.ok) {
    const problem = new Error(said.detail || answer.statusText);
    problem.hint = said.hint || "";
    problem.request = said.request_id || "";
    problem.status = answer.status;
    throw problem;
  }
  return said;
}

function trouble(problem) {
  $("trouble").hidden = !problem;
  $("trouble").textContent = problem ? [problem.message, problem.hint, problem.request && `(request ${problem.request})`].filter(Boolean).join(" ") : "";
}

function element(name, text, members) {
  const e = document.createElement(name);
  if (text !== undefined) e.textContent = text;
  return Object.assign(e, members || {});
}

function ago(time) {
  const seconds = (Date.parse(time) - Date.now()) / 1000, words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]])
    if (Math.abs(seconds) >= size) return words.format(Math.round(seconds / size), unit);
  return words.format(Math.round(seconds), "second");
}

function row(tenant) {
  const tr = element("tr"), address = element("td"), acts = element("td");
  if (tenant.url) address.append(element("a", tenant.url.replace(/^https?:\/\//, ""), { href: tenant.url }));
  for (const [act, states] of [["restart", ["active", "past_due"]], ["suspend", ["active", "past_due"]], ["resume", ["suspended"]]]) {
    if (!states.includes(tenant.state)) continue;
    const button = element("button", act, { type: "button" });
    button.addEventListener("click", () => change("POST", `/api/tenants/${tenant.id}/${act}`, undefined, `${act} ${tenant.name}`));
    acts.append(button, " ");
  }
  if (tenant.job_id) {
    const button = element("button", "steps", { type: "button" });
    button.addEventListener("click", () => watch(tenant.job_id, tenant.name));
    acts.append(button);
  }
  tr.append(element("td", tenant.number), element("td", tenant.name), address, element("td", tenant.plan),
    element("td", tenant.state, { className: `state-${tenant.state}`, title: tenant.state_reason || "" }), element("td", tenant.port || "–"),
    element("td", ago(tenant.created_at), { title: tenant.created_at }), acts);
  return tr;
}

async function tenants(more) {
  const page = await api("GET", `/api/tenants?limit=50${more && after ? `&starting_after=${after}` : ""}`);
  const rows = page.data.map(row);
  if (more) $("tenants").append(...rows); else $("tenants").replaceChildren(...rows);
  after = page.data.length ? page.data[page.data.length - 1].id : after;
  $("more").hidden = !page.has_more;
  $("none").hidden = $("tenants").children.length > 0;
}

async function counts() {
  const now = await api("GET", "/api/dashboard/metrics");
  const shown = [["active", now.tenants?.active], ["suspended", now.tenants?.suspended], ["failed", now.tenants?.failed], ["stuck jobs", now.jobs?.stuck]];
  $("counts").replaceChildren(...shown.map(([name, n]) => {
    const box = element("div");
    box.append(element("dt", name), element("dd", n ?? "–"));
    return box;
  }));
}

// The steps of a job as they happen.
function watch(job, name) {
  if (stream) stream.close();
  $("watch").hidden = false;
  $("watch-title").textContent = `${name}: ${job}`;
  $("watch-end").textContent = "";
  $("steps").replaceChildren();
  const lines = new Map();
  stream = new EventSource(`/api/jobs/${job}/stream`);
  stream.addEventListener("step", (event) => {
    const step = JSON.parse(event.data);
    if (!lines.has(step.number)) { lines.set(step.number, element("li")); $("steps").append(lines.get(step.number)); }
    const took = step.ended_at ? `${Date.parse(step.ended_at) - Date.parse(step.started_at)} ms` : "…";
    lines.get(step.number).textContent = `${step.step} · ${step.action} · ${step.outcome} · ${took}${step.text ? ` · ${step.text}` : ""}`;
    lines.get(step.number).className = step.outcome;
  });
  stream.addEventListener("job", (event) => {
    const said = JSON.parse(event.data);
    $("watch-end").textContent = [said.state, said.cause, said.remedy].filter(Boolean).join(" · ");
  });
  stream.addEventListener("end", () => {
    stream.close();
    refresh();
    setTimeout(() => counts().catch(trouble), 6000); // what was counted is kept for 5 s
  });
}

const refresh = () => Promise.all([tenants(false), counts()]).catch(trouble);

async function change(method, path, body, name) {
  trouble(null);
  try {
    const said = await api(method, path, body);
    if (said.job) watch(said.job, name);
    await refresh();
  } catch (problem) { trouble(problem); }
}

async function enter() {
  try {
    const me = await api("GET", "/api/auth/me");
    csrf = me.csrf_token || "";
    $("who").textContent = `${me.user?.name || ""} (${me.role})`;
    $("sign-in").hidden = true;
    $("inside").hidden = $("leave").hidden = false;
    const plans = await api("GET", "/api/plans?limit=100");
    document.forms.create.plan.replaceChildren(...plans.data.map((p) => element("option", p.title || p.name, { value: p.name })));
    await refresh();
  } catch (problem) {
    $("sign-in").hidden = false;
    $("inside").hidden = $("leave").hidden = true;
    if (problem.status !== 401) trouble(problem);
  }
}

document.forms["sign-in"].addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  trouble(null);
  try {
    await api("POST", "/api/auth/login", { username: form.username.value, password: form.password.value });
    form.password.value = "";
    await enter();
  } catch (problem) { trouble(problem); }
});
document.forms.create.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = Object.fromEntries(new FormData(event.target));
  change("POST", "/api/tenants", given, given.name);
  event.target.reset();
});
$("more").addEventListener("click", () => tenants(true).catch(trouble));
$("leave").addEventListener("click", async () => { await api("POST", "/api/auth/logout").catch(trouble); location.reload(); });
enter();
