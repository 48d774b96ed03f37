// How long the browser works until a page can be used: a line of JSON for each path, medians of facts.rounds
// loads with a warm cache. usable: ms from the navigation to the page with its data; own: of it, what scripts,
// styles and layout took; box: what the programs facts.pids worked meanwhile; requests: to the API.
import { readFileSync } from "node:fs";
import { facts, launch, open, settled, signIn } from "./part.mjs";

const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
const browser = await launch();
const page = await open(browser);
await signIn(page);
const client = await page.context().newCDPSession(page);
await client.send("Performance.enable");
for (const path of facts.paths) {
  const loads = [];
  let boxBefore = 0;
  for (let i = 0; i <= facts.rounds; i++) {
    await page.goto("about:blank");
    const before = await figures();
    if (i === 1) boxBefore = boxWork();
    await page.goto(path, { waitUntil: "commit" });
    await settled(page);
    await page.waitForFunction((empty) => empty || document.querySelector("main table tbody tr, main .tile b"), !facts.data);
    const usable = await page.evaluate(() => performance.now());
    const requests = await page.evaluate(() => performance.getEntriesByType("resource").filter((e) => e.name.includes("/api/") && !e.name.includes("stream")).length);
    const after = await figures();
    if (i) loads.push({ usable, own: after - before, requests }); // the first fills the cache
  }
  const box = (boxWork() - boxBefore) / facts.rounds;
  console.log(JSON.stringify({ path, box, usable: median(loads.map((l) => l.usable)), own: median(loads.map((l) => l.own)), requests: loads[0].requests }));
}
await browser.close();

/** Milliseconds of processor that the box's programs have used so far. */
function boxWork() {
  const ticks = (pid) => readFileSync(`/proc/${pid}/stat`, "utf8").split(")").at(-1).trim().split(" ").slice(11, 13).reduce((a, b) => a + Number(b), 0);
  return facts.pids.reduce((sum, pid) => sum + ticks(pid) * 10, 0);
}
async function figures() {
  const { metrics } = await client.send("Performance.getMetrics");
  const of = (name) => metrics.find((m) => m.name === name)?.value || 0;
  return (of("ScriptDuration") + of("LayoutDuration") + of("RecalcStyleDuration")) * 1000;
}
