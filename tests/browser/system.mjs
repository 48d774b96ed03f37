// Logs, the box itself and its settings, as an operator uses them: a line seen as it is written, a search that
// stands in the address, a program restarted by typing its name, a support bundle, a setting and its undo, a
// secret that never comes back, a provider tried, a brand with its logo, a channel whose secret is shown once.
import { appendFileSync, readFileSync } from "node:fs";
import { axe, check, end, facts, launch, open, settled, shot, signIn } from "./part.mjs";

const browser = await launch(), page = await open(browser);
const dialog = page.locator("dialog[open]"), button = (name, of = page) => of.getByRole("button", { name, exact: true });
const toast = (text) => page.locator(".toast", { hasText: text }).last().waitFor();
const picture = (name) => facts.shots && shot(page, facts.shots, name);
const visit = async (path) => { await page.goto(path); await settled(page); };
const now = () => new Date().toISOString();
const write = (level, text) => appendFileSync(`${facts.root}/log/worker.log`, `${now()} sett-worker ${level}: ${text}\n`);

await signIn(page, { to: "/admin/logs" });
await settled(page);
await check("a line that is written now is seen without reloading", async () => {
  await page.locator(".log li", { hasText: "ready" }).first().waitFor();
  write("error", "the bridge is out, Bearer abcdefghijklmnop");
  await page.locator(".log li.bad", { hasText: "the bridge is out, Bearer […]" }).waitFor({ timeout: 8000 });
  await picture("logs");
  return axe(page);
});
await check("a search, a level and a source stand in the address, and hold when it is opened anew", async () => {
  await page.getByRole("searchbox").fill("BRIDGE");
  await page.waitForURL(/q=BRIDGE/);
  await page.getByLabel("Level").selectOption("error");
  await page.getByLabel("Source").selectOption("worker");
  await page.waitForURL(/source=worker/);
  await page.reload();
  await page.locator(".log li", { hasText: "the bridge is out" }).waitFor();
  write("info", "a bridge that is no error");
  write("error", "another bridge is out");
  await page.locator(".log li", { hasText: "another bridge is out" }).waitFor({ timeout: 8000 });
  return (await page.locator(".log li:not(.log-day)").count()) === 2;
});
await check("front and worker begin anew, and what is written meanwhile is seen", async () => {
  const { programs } = await page.evaluate(() => fetch("/api/system/programs").then((a) => a.json()));
  page.excused = /50[234]|ERR_|Failed to load/;
  for (const name of ["front", "worker"]) process.kill(programs.find((p) => p.name === name).pid, "SIGKILL");
  write("error", "a third bridge is out");
  await page.locator(".log li", { hasText: "a third bridge is out" }).waitFor({ timeout: 20000 });
  await page.waitForFunction(() => fetch("/api/system/programs").then((a) => a.ok), null, { timeout: 15000, polling: 500 });
  page.excused = null;
});
await check("it can be paused, and taken away as a table without secrets", async () => {
  await button("Live").click();
  await page.waitForURL(/live=no/);
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "CSV" }).click()]);
  const text = readFileSync(await file.path(), "utf8");
  return text.startsWith("at,source,level,text\r\n") && text.includes("the bridge is out") && !text.includes("abcdefghijklmnop");
});

await check("what was searched for is marked, and from a line one comes to what was written around it", async () => {
  if ((await page.locator(".log mark").first().innerText()) !== "bridge") return "it is not marked";
  await page.locator(".log li", { hasText: "another bridge is out" }).getByRole("link").first().click();
  await page.waitForURL(/around=/);
  await page.locator(".log li", { hasText: "a bridge that is no error" }).waitFor();
  const line = page.locator(".log li:has([aria-current=true])");
  await line.waitFor();
  return (await line.innerText()).includes("another bridge is out") ? axe(page) : "the line is not shown";
});

await check("the box says how it is: findings with their fix, programs, store, versions", async () => {
  await visit("/admin/system");
  for (const text of ["sett recovery init", "Web server", "Records by table", "LMDB 0.9"]) await page.getByText(text).first().waitFor();
  await picture("system");
  return axe(page);
});
await check("an engine of another machine is added, shows the key to let in, says what is wrong, and goes", async () => {
  await button("Add an engine").click();
  await dialog.getByLabel("Name").fill("build");
  await dialog.getByLabel("Address").fill("ssh://root@127.0.0.1:1");
  await button("Add an engine", dialog).click();
  await dialog.getByText("nothing that speaks SSH answers").waitFor({ timeout: 20000 });
  if (!(await dialog.getByText("restrict,port-forwarding ssh-ed25519 AAAA").count())) return "no key is shown";
  const bad = await axe(page);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await button("Forget the engine build").click();
  await dialog.getByLabel("Type build to confirm").fill("build");
  await button("Forget the engine", dialog).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByText("None on other machines", { exact: true }).waitFor();
  return bad;
});
await check("a program begins anew once its name is typed, and the page sees it", async () => {
  const row = page.locator("tr", { hasText: "Hands" }).first(), before = await row.locator("td").first().innerText();
  await button("Restart Hands", row).click();
  if (await button("Restart Hands", dialog).isEnabled()) return "no name was wanted";
  await dialog.getByLabel("Type hands to confirm").fill("hands");
  await button("Restart Hands", dialog).click();
  await dialog.waitFor({ state: "detached" });
  page.excused = /50[234]/;
  await page.waitForFunction((old) => [...document.querySelectorAll("tr td:first-child")].some((d) => d.innerText.startsWith("Hands") && /\d/.test(d.innerText) && d.innerText !== old), before, { timeout: 15000 });
  page.excused = null;
});
await check("the store is checked, and says what it found", async () => {
  await button("Guarded acts").click();
  await page.getByRole("menuitem", { name: "Check the store" }).click();
  await button("Check the store", dialog).click();
  await dialog.getByText("Findings").waitFor();
  const said = await dialog.locator("dd").first().innerText();
  await button("Close", dialog).click();
  return said === "0" || said;
});
await check("a support bundle is taken away", async () => {
  const [file] = await Promise.all([page.waitForEvent("download"), button("Support bundle").click()]);
  const data = readFileSync(await file.path());
  return data.length % 512 === 0 && data.subarray(257, 262).toString() === "ustar" && data.includes("sett-support/doctor.json") && !data.includes("abcdefghijklmnop");
});

await check("every setting and every secret says what it is for, in each language; in English as the API does", async () => {
  const ask = (path) => page.evaluate((p) => fetch(p).then((a) => a.json()), path), out = [];
  const rows = [...(await ask("/api/settings")).data, ...(await ask("/api/secrets")).data];
  for (const l of ["en", "es", "de"]) {
    const texts = (await import(`${facts.top}/web/lang/${l}/settings-help.js`)).default;
    for (const s of rows) if (!texts[s.name] || (l === "en" && texts[s.name] !== s.help)) out.push(`web/lang/${l}/settings-help.js: ${s.name}: ${s.help}`);
    for (const name of Object.keys(texts)) if (!rows.some((s) => s.name === name)) out.push(`web/lang/${l}/settings-help.js: ${name} is no setting`);
  }
  return out;
});
await check("a setting is found, refused with its cause, set, and taken back by undo", async () => {
  await visit("/admin/settings?q=turn.ttl");
  const row = page.locator("li.setting", { hasText: "turn.ttl_s" }), input = row.locator("input");
  await input.fill("5");
  page.excused = /422/;
  await input.evaluate((i) => i.removeAttribute("min"));
  await button("Save", row).click();
  await row.getByText("is a number from 60").waitFor();
  page.excused = null;
  await input.fill("7200");
  await row.getByText("sett setting set turn.ttl_s --value 7200").waitFor();
  await button("Save", row).click();
  await row.getByText("set by").waitFor();
  await page.locator(".toast", { hasText: "turn.ttl_s is set" }).getByRole("button", { name: "Undo" }).click();
  await row.getByText("default", { exact: true }).waitFor();
  return (await input.inputValue()) === "86400";
});
await check("a secret goes in and does not come out; the provider is tried with it", async () => {
  await visit("/admin/settings?tab=providers");
  const card = page.locator("#stripe"), row = card.locator("li.setting", { hasText: "stripe.secret_key" });
  await button("Set", row).click();
  await dialog.locator("[name=value]").fill("sk_test_" + "x".repeat(24));
  await button("Save", dialog).click();
  await row.getByText("set", { exact: true }).waitFor();
  if ((await page.content()).includes("xxxxxxxx")) return "the secret is on the page";
  await button("Test", card).click();
  await card.getByText("something is missing").waitFor();
  await picture("settings-providers");
  return axe(page);
});
await check("the brand: a colour, a name, a logo, and what is no logo", async () => {
  await visit("/admin/settings?tab=brand");
  await page.getByLabel("Name").fill("Acme Hosting");
  await page.getByLabel("Colour as #rrggbb").fill("#ffd500");
  const colour = await page.locator(".preview .button").evaluate((b) => b.style.color);
  if (!/rgb\(0, 0, 0\)|#000000/.test(colour)) return `on yellow stands ${colour}`;
  await button("Save").click();
  await toast("The branding is saved");
  page.excused = /422/;
  await page.locator("#logo").setInputFiles({ name: "bad.svg", mimeType: "image/svg+xml", buffer: Buffer.from('<svg viewBox="0 0 9 9"><script/></svg>') });
  await page.getByText("it has the element script").first().waitFor();
  page.excused = null;
  await page.locator("#logo").setInputFiles({ name: "logo.svg", mimeType: "image/svg+xml", buffer: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><rect width="40" height="20" fill="#0a7d5a"/></svg>') });
  const logo = page.getByAltText("Logo");
  await logo.waitFor();
  await picture("settings-brand");
  return (await logo.evaluate(async (i) => { await i.decode(); return i.naturalWidth > 0; })) ? axe(page) : "the logo is not shown";
});
await check("a channel: its secret is shown once, a test that fails says why", async () => {
  await visit("/admin/settings?tab=notify");
  await page.getByText("Nobody is told yet").waitFor();
  await button("New channel").click();
  await dialog.locator("[name=name]").fill("hook");
  await dialog.locator("[name=type]").selectOption("webhook");
  await dialog.locator("[name=target]").fill("https://127.0.0.1:1/hook");
  await button("Create", dialog).click();
  const secret = await dialog.locator("[data-once] code").innerText();
  await button("I have it", dialog).click();
  const row = page.locator("tr", { hasText: "hook" });
  await row.waitFor();
  page.excused = /50[0-9]/;
  await button("Test", row).click();
  await toast("it was not sent");
  page.excused = null;
  return secret.startsWith("whsec_") ? axe(page) : secret;
});
await check("a viewer sees how the box is and can do nothing to it; logs and settings are not theirs", async () => {
  const other = await open(browser), out = [];
  await signIn(other, { user: "vera", password: facts.secret, to: "/admin/system" });
  await settled(other);
  await other.getByText("Web server").first().waitFor();
  for (const name of ["Support bundle", "Guarded acts", "Make a snapshot now", "Restart Front"]) if (await other.getByRole("button", { name }).count()) out.push(`${name} is offered`);
  for (const path of ["/admin/logs", "/admin/settings"]) { await other.goto(path); await other.getByText("This page needs the role").waitFor(); }
  return [...out, ...other.complaints];
});
await check("nothing of it was a complaint of the browser's", () => page.complaints);
await browser.close();
end();
