// A box with 100,000 tenants, in the browser: found, filtered, put in order, paged both ways and taken away; no page
// holds more rows than it shows.
import { check, end, facts, launch, open, settled, signIn } from "./part.mjs";

const browser = await launch();
const page = await open(browser);
const rows = page.locator("main table tbody tr");
const names = () => page.locator("main a.row").allInnerTexts();

await signIn(page);
await check("the dashboard counts them all", async () => {
  await page.goto("/admin");
  await page.locator("main .tile b").first().waitFor();
  return /100,000/.test(await page.locator("main").innerText()) || (await page.locator("main").innerText()).slice(0, 600);
});
await check("a page of the table is fifty rows and knows how many there are", async () => {
  await page.goto("/admin/tenants");
  await rows.first().waitFor();
  return (await rows.count()) === 50 && /100,000/.test(await page.locator(".pager").innerText()) ? true : [await rows.count(), await page.locator(".pager").innerText()];
});
await check("the next page shows others, the one before the same again", async () => {
  const first = await names();
  await page.getByRole("button", { name: "Next" }).click();
  await page.waitForFunction((was) => document.querySelector("main a.row")?.textContent !== was, first[0]);
  const second = await names();
  await page.getByRole("button", { name: "Previous" }).click();
  await page.waitForFunction((was) => document.querySelector("main a.row")?.textContent === was, first[0]);
  return !second.some((n) => first.includes(n)) && JSON.stringify(await names()) === JSON.stringify(first);
});
await check("one of them is found by its name", async () => {
  await page.locator("[data-search]").fill(facts.one);
  await page.waitForFunction((one) => [...document.querySelectorAll("main a.row")].some((a) => a.textContent === one) && document.querySelectorAll("main a.row").length < 50, facts.one);
});
await check("a word that nobody has finds nothing and says so", async () => {
  await page.locator("[data-search]").fill("nobodyhasthis");
  await page.locator("main .none").waitFor();
});
await check("by name, either way", async () => {
  await page.goto("/admin/tenants?sort=name");
  await rows.first().waitFor();
  const up = await names();
  await page.goto("/admin/tenants?sort=-name");
  await rows.first().waitFor();
  const down = await names();
  const sorted = (list, sign) => list.every((n, i) => !i || sign * (list[i - 1].toLowerCase() < n.toLowerCase() ? -1 : 1) <= 0 || list[i - 1] === n);
  return (sorted(up, 1) && sorted(down, -1) && up[0] !== down[0]) || [up.slice(0, 4), down.slice(0, 4)];
});
await check("the palette finds it, too", async () => {
  await page.keyboard.press("Control+k");
  await page.locator("dialog[open] input").fill(facts.one);
  await page.locator("dialog[open] [role=option]").filter({ hasText: facts.one }).first().waitFor();
  await page.keyboard.press("Escape");
});
await check("nothing was complained of", () => page.complaints);
await settled(page);
await browser.close();
end();
