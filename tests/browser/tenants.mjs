// Tenants: what an operator does with them in a day, in the browser alone.
import { axe, check, end, facts, launch, open, settled, signIn, tooWide } from "./part.mjs";
const browser = await launch();
const page = await open(browser);
page.setDefaultTimeout(30000);
const button = (name, where = page) => where.getByRole("button", { name, exact: true });
const dialog = () => page.locator("dialog[open]").last();
const names = () => page.locator("tbody a.row").allInnerTexts();
const shows = (list) => page.waitForFunction((wanted) => JSON.stringify([...document.querySelectorAll("tbody a.row")].map((a) => a.innerText)) === wanted, JSON.stringify(list));
const tenant = (tab) => page.goto(`/admin/tenants/${facts.id}${tab ? "?tab=" + tab : ""}`).then(() => settled(page));
/** The drawer of a job that has ended well, closed. */
async function jobDone() {
  await page.locator("dialog.side .job[aria-busy=false]").waitFor();
  const said = await page.locator("dialog.side").innerText();
  await button("Close", page.locator("dialog.side")).click();
  await page.locator("dialog.side").waitFor({ state: "detached" });
  return /done/.test(said) ? "" : said;
}
async function menu(item) {
  await button("More", page.locator(".head")).click();
  await page.getByRole("menuitem", { name: item, exact: true }).click();
}

await check("a word finds a tenant by its customer, and stands in the address", async () => {
  await signIn(page, { to: "/admin/tenants" });
  await settled(page);
  await shows(["Zum Adler", "Acme Bakery"]);
  await page.locator("[data-search]").fill("smi acme");
  await shows(["Acme Bakery"]);
  return page.url().endsWith("?q=smi+acme");
});
await check("order, filter and columns stand in the address, and are there again when it is opened", async () => {
  await button("Clear").click();
  await page.getByRole("button", { name: "Name" }).click();
  await shows(["Acme Bakery", "Zum Adler"]);
  await page.locator("select").nth(3).selectOption("large");
  await shows(["Zum Adler"]);
  await button("Columns").click();
  await page.getByRole("menuitem", { name: "Number" }).click();
  await page.keyboard.press("Escape");
  const url = page.url();
  await page.reload();
  await settled(page);
  await shows(["Zum Adler"]);
  const head = await page.locator("thead").innerText();
  return /sort=name/.test(url) && /plan=large/.test(url) && /columns=/.test(url) && /Number/.test(head);
});
await check("a name is tried while it is typed, and another one offered", async () => {
  await page.goto("/admin/tenants?new=1");
  await dialog().locator("[name=name]").fill("Acme Shop");
  await dialog().locator("[name=subdomain]").fill("acme");
  await dialog().locator("[data-name=taken]").waitFor();
  await button("acme-2", dialog()).click();
  await dialog().locator("[data-name=available]").waitFor();
});
await check("a tenant is made: first the plan, then its steps as they happen", async () => {
  await dialog().locator("[name=plan]").selectOption("demo");
  await button("Preview", dialog()).click();
  await dialog().getByText("Ask for it at the front door").waitFor();
  await dialog().locator("summary").click();
  if (!/sett tenant create .*--subdomain acme-2/.test(await dialog().locator(".says").innerText())) return "no command";
  await button("Create", dialog()).click();
  return jobDone();
});
await check("the table has it without being loaded again", () => page.locator("tbody").getByText("Acme Shop").waitFor());
await check("a tenant's page says where it is, who pays and what it uses", async () => {
  await page.getByRole("link", { name: "Acme Bakery" }).click();
  await settled(page);
  await page.getByRole("meter").first().waitFor();
  const said = await page.locator("main").innerText();
  return [facts.url, "Ann Smith", "sett-t000001", "3100"].filter((s) => !said.includes(s));
});
await check("restarted, it is seen at work", async () => {
  await button("Restart").click();
  return jobDone();
});
await check("maintenance on and off again, said on the page", async () => {
  await menu("Maintenance on");
  await jobDone();
  await page.getByText("Visitors see the maintenance page").waitFor();
  await button("Maintenance off").click();
  await jobDone();
  await page.getByText("Visitors see the maintenance page").waitFor({ state: "detached" });
});
await check("another name is taken back at once", async () => {
  await menu("Rename");
  await dialog().locator("[name=name]").fill("Acme Bread");
  await button("Save", dialog()).click();
  await page.getByRole("heading", { name: "Acme Bread" }).waitFor();
  await button("Undo").click();
  await page.getByRole("heading", { name: "Acme Bakery" }).waitFor();
});
await check("its plan is changed, with a preview", async () => {
  await menu("Change the plan");
  await dialog().locator("select").selectOption("large");
  await button("Preview", dialog()).click();
  await dialog().getByText("Make the program anew").waitFor();
  await button("Change the plan", dialog()).click();
  await jobDone();
  await page.locator(".facts").getByText("large", { exact: true }).waitFor();
});
await check("its subdomain is changed, and its address with it", async () => {
  await menu("Change the subdomain");
  await dialog().locator("[name=subdomain]").fill("bakery");
  await dialog().locator("[data-name=available]").waitFor();
  await button("Save", dialog()).click();
  await jobDone();
  await page.locator(".head").getByText("bakery.localhost").waitFor();
});
await check("its log comes live, is searched, paused and taken away", async () => {
  await tenant("logs");
  const lines = page.locator(".log li");
  await page.getByText("Live", { exact: true }).waitFor();
  await lines.first().waitFor();
  await page.locator("[data-search]").last().fill("no such words");
  await page.getByText("Nothing matches").waitFor();
  await page.locator("[data-search]").last().fill("response:200");
  await page.locator(".log mark").first().waitFor();
  await button("Pause").click();
  await page.getByText("Paused").waitFor();
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download" }).click()]);
  return file.suggestedFilename() === "bakery.log";
});
await check("its health is drawn, and each chart has its table", async () => {
  await tenant("health");
  await page.locator(".days i").nth(59).waitFor();
  await button("Show as table").first().click();
  await page.getByText("Minutes down").waitFor();
  await button("2d").click();
  await page.locator("[aria-pressed=true]").getByText("2d").waitFor();
});
await check("what happened to it stands in its history", async () => {
  await tenant("history");
  await page.getByRole("link", { name: "Restart" }).waitFor();
  await page.getByText("tenant.restart").first().waitFor();
});
await check("axe finds nothing serious on its tabs, nor in a dialog, and nothing is wider than a telephone", async () => {
  const out = [];
  await page.setViewportSize({ width: 360, height: 780 });
  for (const tab of ["overview", "health", "logs", "history"]) {
    await tenant(tab);
    out.push(...(await axe(page)).map((l) => `${tab}: ${l}`));
    if (await tooWide(page)) out.push(`${tab} is too wide`);
  }
  await menu("Delete");
  await dialog().locator("input").waitFor();
  out.push(...await axe(page));
  await page.keyboard.press("Escape");
  await page.setViewportSize({ width: 1440, height: 900 });
  return out;
});
await check("many are suspended at once, with a result for each", async () => {
  await page.goto("/admin/tenants?sort=name");
  await settled(page);
  await page.locator("tbody input[type=checkbox]").nth(0).check();
  await page.locator("tbody input[type=checkbox]").nth(1).check();
  await page.getByText("2 selected").waitFor();
  await button("Suspend", page.locator(".bar")).click();
  await dialog().getByText("2 tenants are meant.").waitFor();
  await button("Suspend", dialog()).click();
  await dialog().getByText("2 started, 0 unchanged, 0 refused").waitFor();
  await button("Close", dialog().locator(".acts")).click();
  await page.waitForFunction(() => document.querySelectorAll("tbody .state.warn").length === 2);
});
await check("those that a filter means are resumed, and one that cannot be is told", async () => {
  await page.goto("/admin/tenants?q=a&sort=name");
  await settled(page);
  await button("Act on all that match").click();
  await page.getByRole("menuitem", { name: "Resume", exact: true }).click();
  await dialog().getByText("3 tenants are meant.").waitFor();
  await button("Resume", dialog()).click();
  await dialog().getByText("2 started, 1 unchanged, 0 refused").waitFor();
  await button("Close", dialog().locator(".acts")).click();
  await page.waitForFunction(() => document.querySelectorAll("tbody .state.warn").length === 0);
});
await check("the list is taken away as CSV", async () => {
  const [file] = await Promise.all([page.waitForEvent("download"), button("Download as CSV").click()]);
  const { readFileSync } = await import("node:fs");
  const lines = readFileSync(await file.path(), "utf8").trim().split("\r\n");
  return lines.length === 4 && lines[0].startsWith("id,number,name") && lines[1].includes('"Acme Bakery"');
});
await check("one is deleted, by its name and after what dies was listed", async () => {
  await page.goto("/admin/tenants?q=shop");
  await page.getByRole("link", { name: "Acme Shop" }).click();
  await settled(page);
  await menu("Delete");
  await dialog().getByText("All its files and its database").waitFor();
  if (await button("Delete", dialog()).isEnabled()) return "without its name";
  await dialog().locator("input").fill("Acme Shop");
  await button("Delete", dialog()).click();
  await jobDone();
  await page.locator(".head").getByText("deleted").waitFor();
});
await check("nothing was wrong on the way", () => page.complaints);
await browser.close();
end();
