// A browser for tests: Debian's Chromium by playwright-core, which says what went wrong on a page (errors of
// its console, of its scripts, refusals of its content policy), and a tally that speaks TAP.
import { createRequire } from "node:module";
import { mkdirSync, readFileSync } from "node:fs";
const require = createRequire(new URL("../npm/package.json", import.meta.url));
export const { chromium } = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** Facts from the test that started this: {base, password, …}. */
export const facts = JSON.parse(process.argv[2] || "{}");
const args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP *.localhost 127.0.0.1, MAP admin.example 127.0.0.1, MAP box.example 127.0.0.1"];

export async function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args, timeout: 60000 });
}

/** A context with a page whose complaints are collected in page.complaints. */
export async function open(browser, { width = 1440, height = 900, theme = "light", lang = "en", base = facts.base, ...more } = {}) {
  const context = await browser.newContext({ baseURL: base, viewport: { width, height }, colorScheme: theme, locale: lang, permissions: ["clipboard-read", "clipboard-write"], ...more });
  context.setDefaultTimeout(20000);
  const page = await context.newPage();
  listen(page);
  return page;
}
export function listen(page) {
  page.complaints = [];
  page.on("pageerror", (e) => page.complaints.push(`script: ${e.message}`));
  page.on("console", (m) => { if (m.type() === "error" && !page.excused?.test(m.text())) page.complaints.push(`console: ${m.text()} ${m.location().url}`); });
  return page;
}

const signedIn = new Map(); // the cookies of a user, since the box bounds how often one signs in

/** Signs in: the first time by the form, afterwards with the session that is there (`again`: by the form). */
export async function signIn(page, { user = "admin", password = facts.password, to = "/admin", again = false } = {}) {
  if (signedIn.has(user) && !again) {
    await page.context().addCookies(signedIn.get(user));
    await page.goto(to);
    return page.locator("#nav").first().waitFor({ state: "attached" });
  }
  page.excused = /401/; // whoever is not signed in yet is told so
  await page.goto(to);
  await page.locator("[name=username]").fill(user);
  await page.locator("[name=password]").fill(password);
  await page.locator("button[type=submit]").click();
  await page.locator("#nav").first().waitFor({ state: "attached" });
  page.excused = null;
  signedIn.set(user, await page.context().cookies());
}

/** What axe finds serious or critical on the page, as lines. */
export async function axe(page) {
  // Set into the page's own world past its content policy, as a debugger may.
  const client = await page.context().newCDPSession(page);
  await client.send("Runtime.evaluate", { expression: axeSource });
  const { result } = await client.send("Runtime.evaluate", { awaitPromise: true, returnByValue: true,
    expression: `axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}).then((r) => r.violations.filter((v) => /serious|critical/.test(v.impact))
      .map((v) => v.id + ": " + v.nodes.slice(0, 3).map((n) => n.target.join(" ") + " (" + (n.any[0]?.message || n.all[0]?.message || "") + ")").join("; ")))` });
  await client.detach();
  return result.value || [`axe did not run: ${JSON.stringify(result)}`];
}

/** Whether the page is wider than its window. */
export const tooWide = (page) => page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth + 1);

/** Nothing is being loaded: no spinner, and the fonts and rows are there. */
export async function settled(page) {
  await page.waitForFunction(() => document.querySelector("h1, main .trouble, main .none") && !document.querySelector(".loading"));
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

export async function shot(page, folder, name) {
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage: false });
}

let count = 0, bad = 0;
export function ok(fine, what, more = "") {
  count++;
  if (!fine) bad++;
  console.log(`${fine ? "ok" : "not ok"} ${count} - ${what}${!fine && more ? `\n# ${String(more).replaceAll("\n", "\n# ")}` : ""}`);
}
/** check(what, async () => …): fails with what is thrown or with a returned text, array or false. */
export async function check(what, run) {
  try {
    const said = await run();
    const fine = said === undefined || said === true || (Array.isArray(said) && said.length === 0) || said === "";
    ok(fine, what, fine ? "" : JSON.stringify(said, null, 1));
  } catch (e) { ok(false, what, e.stack || e); }
}
export function end() {
  console.log(`1..${count}`);
  process.exit(bad ? 1 : 0);
}
