// What no single page proves: the keyboard alone, two roles, a page of a sibling origin that tries to use the
// session, two tabs, a box that goes away and comes back.
import { createServer } from "node:http";
import { check, end, facts, launch, listen, open, settled, signIn } from "./part.mjs";

const browser = await launch();
const focused = (page) => page.evaluate(() => {
  const e = document.activeElement;
  return [e.tagName, e.name || e.id || e.getAttribute("aria-label") || e.textContent.trim().slice(0, 40)].join(" ");
});
/** Tabs on until what has the focus matches. */
async function tabTo(page, wanted, most = 80) {
  for (let i = 0; i < most; i++) {
    if (wanted.test(await focused(page))) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`${most} tabs do not lead to ${wanted}; last: ${await focused(page)}`);
}
const table = (page) => page.locator("main table tbody tr");

const page = await open(browser);
await check("by keyboard alone: signing in", async () => {
  page.excused = /401/;
  await page.goto("/admin/tenants");
  await page.locator("[name=username]").waitFor();
  await tabTo(page, /INPUT username/);
  await page.keyboard.type("admin");
  await page.keyboard.press("Tab");
  await tabTo(page, /INPUT password/);
  await page.keyboard.type(facts.password);
  await page.keyboard.press("Enter");
  await page.locator("main table").waitFor();
});
page.excused = null;
await check("by keyboard alone: the first Tab offers to skip the navigation, and does", async () => {
  await page.goto("/admin/tenants");
  await settled(page);
  await page.keyboard.press("Tab");
  if (!/A /.test(await focused(page))) return await focused(page);
  await page.keyboard.press("Enter");
  return (await page.evaluate(() => document.activeElement.id || location.hash)).includes("main");
});
await check("by keyboard alone: j leads to a row, Enter opens it, g t leads back", async () => {
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("j");
  if (!/A Acme/.test(await focused(page))) return await focused(page);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => location.pathname.startsWith("/admin/tenants/tn_"));
  await settled(page);
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await page.waitForFunction(() => location.pathname === "/admin/tenants");
});
await check("by keyboard alone: Ctrl+K finds a page and leads there; Escape gives the focus back", async () => {
  await page.locator("main h1").focus();
  await page.keyboard.press("Control+k");
  await page.locator("dialog[open] input").waitFor();
  await page.keyboard.press("Escape");
  await page.locator("dialog[open]").waitFor({ state: "detached" });
  await page.waitForFunction(() => document.activeElement.tagName === "H1");
  await page.keyboard.press("Control+k");
  await page.locator("dialog[open] input").waitFor();
  await page.keyboard.type("plans");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => location.pathname === "/admin/plans");
});
await check("? lists shortcuts, where single keys can be switched off", async () => {
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("?");
  await page.locator("dialog[open] input[type=checkbox]").uncheck();
  await page.keyboard.press("Escape");
  await page.locator("dialog[open]").waitFor({ state: "detached" });
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await page.keyboard.press("?");
  const still = new URL(page.url()).pathname;
  await page.evaluate(() => localStorage.setItem("sett.keys", "on"));
  return still === "/admin/plans" && (await page.locator("dialog[open]").count()) === 0;
});
await check("by keyboard alone: a tenant is made, its steps are shown, its row is there without a reload", async () => {
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await table(page).first().waitFor();
  await tabTo(page, /BUTTON Create a tenant/);
  await page.keyboard.press("Enter");
  await page.locator("dialog[open] [name=name]").waitFor();
  await page.keyboard.type("Keyboard");
  await page.keyboard.press("Enter");
  await page.locator("dialog[open] .steps li.good").first().waitFor();
  await page.locator("dialog[open] .state.good").first().waitFor();
  await page.keyboard.press("Escape");
  await table(page).filter({ hasText: "Keyboard" }).first().waitFor();
});
await check("nothing was complained of", () => page.complaints);

await check("a sibling origin cannot use the session: neither by a form nor by fetch", async () => {
  const before = (await (await page.request.get("/api/tenants")).json()).data.length;
  const evil = createServer((q, a) => { a.setHeader("Content-Type", "text/html"); a.end("<!doctype html><title>evil</title>"); });
  await new Promise((done) => evil.listen(0, "127.0.0.1", done));
  const there = listen(await page.context().newPage());
  await there.goto(`http://localhost:${evil.address().port}/`); // the same site: the cookie goes along
  const tried = await there.evaluate(async (base) => {
    const out = [];
    const tell = (p) => p.then((a) => out.push(a.type + a.status), (e) => out.push("refused by the browser"));
    await tell(fetch(base + "/api/tenants", { method: "POST", mode: "no-cors", credentials: "include", headers: { "Content-Type": "text/plain" }, body: '{"name":"evil","plan":"small"}' }));
    await tell(fetch(base + "/api/tenants", { method: "POST", credentials: "include", headers: { "Content-Type": "application/json" }, body: '{"name":"evil","plan":"small"}' }));
    await tell(fetch(base + "/api/auth/logout", { method: "POST", mode: "no-cors", credentials: "include" }));
    await tell(fetch(base + "/api/tenants", { credentials: "include" }));
    return out;
  }, facts.base);
  await there.evaluate((base) => {
    const form = Object.assign(document.createElement("form"), { method: "POST", action: base + "/api/tenants", enctype: "application/x-www-form-urlencoded" });
    for (const [name, value] of [["name", "evil"], ["plan", "small"]]) form.append(Object.assign(document.createElement("input"), { name, value }));
    document.body.append(form);
    form.submit();
  }, facts.base);
  await there.waitForURL(/api\/tenants/);
  const said = await there.locator("body").innerText();
  const framed = await there.goto(`http://localhost:${evil.address().port}/`).then(() => there.evaluate((base) => new Promise((done) => {
    const frame = Object.assign(document.createElement("iframe"), { src: base + "/admin" });
    frame.onload = () => { try { done(frame.contentDocument === null ? "hidden" : frame.contentDocument.body.innerHTML); } catch (e) { done("hidden"); } };
    document.body.append(frame);
  }), facts.base));
  evil.close();
  await there.close();
  const after = await (await page.request.get("/api/tenants")).json();
  return after.data?.length === before && /csrf|403|forbidden/i.test(said) && framed === "hidden" ? true : { tried, said, before, after: after.data?.length ?? after, framed };
});

await check("a viewer sees and may not: no buttons, a refusal from the API, a word on pages of others", async () => {
  const viewer = await open(browser);
  await signIn(viewer, { user: "vera", password: facts.viewer });
  await viewer.goto("/admin/tenants");
  await table(viewer).first().waitFor();
  const buttons = await viewer.getByRole("button", { name: "Create a tenant" }).count();
  const links = await viewer.locator("#nav a").allInnerTexts();
  await viewer.goto("/admin/settings");
  await settled(viewer);
  const word = await viewer.locator("main").innerText();
  const token = (await (await viewer.request.get("/api/auth/me")).json()).csrf_token;
  const refused = await viewer.request.post("/api/tenants", { headers: { "X-CSRF": token, Origin: facts.base }, data: { name: "no", plan: "small" } });
  await viewer.context().close();
  return buttons === 0 && !links.some((l) => /Settings|Users|Audit/.test(l)) && /admin/.test(word) && refused.status() === 403 ? true : { buttons, links, word, status: refused.status() };
});

await check("a second tab: what is made in one appears in the other; signing out ends both", async () => {
  const other = listen(await page.context().newPage());
  await other.goto("/admin/tenants");
  await table(other).first().waitFor();
  const token = (await (await page.request.get("/api/auth/me")).json()).csrf_token;
  const made = await page.request.post("/api/tenants", { headers: { "X-CSRF": token, Origin: facts.base }, data: { name: "Twotabs", subdomain: "twotabs", plan: "small" } });
  if (made.status() !== 202) return await made.text();
  for (const p of [page, other]) await table(p).filter({ hasText: "Twotabs" }).first().waitFor();
  other.excused = page.excused = /401/;
  await other.getByRole("button", { name: /^Signed in as/ }).click();
  await other.getByRole("menuitem", { name: "Sign out" }).click();
  await other.locator("[name=password]").waitFor();
  await page.goto("/admin/tenants");
  await page.locator("[name=password]").waitFor();
});
await browser.close();
end();
