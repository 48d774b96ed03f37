// The main job as an operator watches it, in two tabs, without ever loading a page again; then the same while
// the network, the front and the worker go away and come back. Asks the test that started it to act on the box.
import { createInterface } from "node:readline";
import { check, end, launch, listen, open, settled, signIn } from "./part.mjs";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function act(name, ...more) {
  console.log("!" + JSON.stringify({ act: name, with: more }));
  const { value } = await lines.next();
  const said = JSON.parse(value);
  if (said.failed) throw new Error(`${name}: ${said.failed}`);
  return said.said;
}

const browser = await launch(), page = await open(browser);
await signIn(page, { to: "/admin" });
await settled(page);
const second = listen(await page.context().newPage());
await second.goto("/admin/tenants");
await settled(second);
for (const p of [page, second]) {
  p.excused = /ERR_INCOMPLETE_CHUNKED/; // a web server that reads its configuration anew cuts streams after a while
  await p.evaluate(() => { window.loadedOnce = true; });
}
const stillThere = (p) => p.evaluate(() => window.loadedOnce === true);
const shows = (p, text, within = "main") => p.locator(within).getByText(text).first().waitFor({ timeout: 20000 });
const go = (p, path) => p.evaluate((to) => { history.pushState(null, "", to); dispatchEvent(new PopStateEvent("popstate")); }, path);
const steps = (p) => p.locator(".steps li").evaluateAll((all) => all.map((li) => li.querySelector("b").textContent));

await check("both tabs of a browser share one stream", async () => {
  let n = 0;
  for (const end = Date.now() + 20000; n < 1 && Date.now() < end; ) n = await act("streams");
  return n === 1 || `${n} streams`;
});
await check("a signed event: its job and its tenant appear in both tabs by themselves", async () => {
  await act("event", "Acme");
  await shows(page, "Set up a tenant", ".latest");
  await second.locator("tr", { hasText: "Acme" }).first().getByText("active", { exact: true }).waitFor();
  return (await stillThere(page)) && (await stillThere(second)) && (await act("answers", "Acme")) && (await act("streams")) === 1;
});
await check("what it brings in a month stands on the dashboard", () => shows(page, "€9.00", ".tiles"));

await check("a job that waits for something shows the step that is under way", async () => {
  await act("pause", "hands");
  await act("event", "Globex");
  const link = page.locator(".latest li", { hasText: "Globex" }).filter({ hasText: "Set up a tenant" }).locator("a");
  await link.click();
  await page.waitForFunction(() => location.pathname.startsWith("/admin/jobs/job_"));
  await page.locator(".steps .busy").waitFor();
});
await check("and its steps tick by when it goes on, until its address answers", async () => {
  const before = (await steps(page)).length;
  await act("go_on", "hands");
  await page.locator("main .state.good", { hasText: "done" }).waitFor({ timeout: 30000 });
  const after = await steps(page);
  if (after.at(-1) !== "It is ready" || after.length <= before || after.length !== new Set(after).size) return after;
  const visitor = await page.context().newPage();
  await visitor.goto(new URL("/", page.url()).href.replace("localhost", "globex.localhost"));
  const text = await visitor.locator("body").innerText();
  await visitor.close();
  return text.includes("Globex") && stillThere(page);
});

await check("the worker is killed in the middle of a job: the page follows it to its end", async () => {
  await act("pause", "hands");
  await act("event", "Initech");
  await go(page, "/admin/jobs");
  const row = page.locator("tr", { hasText: "Initech" }).filter({ hasText: "Set up a tenant" });
  await row.waitFor();
  await row.locator("a.row").click();
  await page.locator(".steps .busy").waitFor();
  await act("kill", "worker");
  await act("start", "worker");
  await act("go_on", "hands");
  await page.locator("main .state.good", { hasText: "done" }).waitFor({ timeout: 30000 });
  return (await steps(page)).at(-1) === "It is ready" && stillThere(page);
});

const palette = async (...typed) => {
  await page.keyboard.press("Control+k");
  await page.locator("dialog[open] input").waitFor();
  await page.keyboard.type(typed[0]);
  await page.locator("#palette-list li", { hasText: typed[1] || typed[0] }).first().waitFor();
};
await check("Ctrl+K finds a tenant by its number or a word, and Enter opens it", async () => {
  await palette("globe", "Globex");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => location.pathname.startsWith("/admin/tenants/tn_"));
  await palette("#1", "Acme");
  await page.keyboard.press("Escape");
});
await check("Tab shows what can be done with it: its log, a restart", async () => {
  await palette("acme", "Acme");
  await page.keyboard.press("Tab");
  await page.locator("#palette-list li", { hasText: "Log" }).first().waitFor();
  await page.keyboard.type("log");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => location.search === "?tab=logs");
  await palette("acme", "Acme");
  await page.keyboard.press("Tab");
  await page.locator("#palette-list li", { hasText: "Restart" }).first().waitFor();
  await page.keyboard.type("restart");
  await page.keyboard.press("Enter");
  await page.locator("dialog[open] .job .state.good", { hasText: "done" }).waitFor({ timeout: 30000 });
  await page.keyboard.press("Escape");
  return stillThere(page);
});

const openJob = async (name) => {
  await go(page, "/admin/jobs");
  const row = page.locator("tr", { hasText: name }).filter({ hasText: "Set up a tenant" }).first();
  await row.waitFor();
  await row.locator("a.row").click();
};
await check("a job that failed and waits says why; told to try now it goes on at once", async () => {
  await act("kill", "hands");
  await act("event", "Tyrell");
  await openJob("Tyrell");
  await page.locator(".trouble.warn").waitFor({ timeout: 30000 });
  await act("start", "hands");
  await page.getByRole("button", { name: "Try now" }).click();
  await page.locator("main .state.good", { hasText: "done" }).waitFor({ timeout: 30000 });
});
await check("or it is given up: the choice is said before it is made, and what was made goes again", async () => {
  await act("kill", "hands");
  await act("event", "Weyland");
  await openJob("Weyland");
  await page.getByRole("button", { name: "Give up" }).click();
  await page.locator("dialog[open]").getByText("What was made is removed again").waitFor();
  await page.locator("dialog[open] button[type=submit]").click();
  await act("start", "hands");
  await page.locator("main .state", { hasText: "undone" }).first().waitFor({ timeout: 30000 });
  return stillThere(page);
});

for (const p of [page, second]) p.excused = /Failed to load resource|ERR_|net::/;
await check("the network is lost: both tabs say so", async () => {
  await go(page, "/admin");
  await settled(page);
  await page.context().setOffline(true);
  await act("event", "Umbrella");
  await act("active", "Umbrella");
  await page.locator(".connection .state").waitFor({ timeout: 30000 });
});
await check("and when it is back they show what they missed", async () => {
  await page.context().setOffline(false);
  await shows(page, "Umbrella", ".latest");
  await second.locator("tr", { hasText: "Umbrella" }).first().getByText("active", { exact: true }).waitFor();
  await page.locator(".connection .state").waitFor({ state: "detached", timeout: 30000 });
  return (await stillThere(page)) && (await stillThere(second));
});

await check("the front is killed: what happened meanwhile is there when it is back", async () => {
  await act("kill", "front");
  await page.locator(".connection .state").waitFor();
  await act("start", "front");
  await act("event", "Hooli");
  await shows(page, "Hooli", ".latest");
  await second.locator("tr", { hasText: "Hooli" }).first().getByText("active", { exact: true }).waitFor();
  return (await stillThere(page)) && (await stillThere(second));
});

await check("the tab that holds the stream is closed: the other one takes over and misses nothing", async () => {
  await page.close();
  await act("event", "Vandelay");
  await second.locator("tr", { hasText: "Vandelay" }).first().getByText("active", { exact: true }).waitFor();
  return stillThere(second);
});
await check("where no stream comes through the page asks for changes, and says so", async () => {
  const third = await open(browser);
  await third.context().route("**/api/events/stream**", (r) => r.abort());
  third.excused = /ERR_FAILED/;
  await signIn(third, { to: "/admin/tenants" });
  await settled(third);
  await third.locator(".connection .state.warn").waitFor();
  await act("event", "Soylent");
  await third.locator("tr", { hasText: "Soylent" }).first().getByText("active", { exact: true }).waitFor();
  return third.complaints;
});
await check("nothing else went wrong on the pages", () => [...page.complaints, ...second.complaints]);
await browser.close();
end();
