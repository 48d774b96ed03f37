// The web admin below a path of somebody else's site, behind their reverse proxy: signing in, pages, a page that is
// opened anew deep inside, what changes as it changes, links and downloads; nothing is asked for outside of the path.
import { check, end, facts, launch, listen, settled } from "./part.mjs";

const browser = await launch();
const context = await browser.newContext({ ignoreHTTPSErrors: true });
context.setDefaultTimeout(20000);
const page = listen(await context.newPage());
const strays = [];
const base = new URL(facts.base);
page.on("request", (r) => {
  const to = new URL(r.url());
  if (to.host === base.host && !to.pathname.startsWith(base.pathname)) strays.push(to.pathname);
});
const at = (path) => base.href.replace(/\/$/, "") + path;
const here = () => new URL(page.url()).pathname;

await check("a link to a page inside leads to the way in, and back there", async () => {
  page.excused = /401/;
  await page.goto(at("/admin/tenants?state=failed"));
  await page.locator("[name=username]").fill("admin");
  if (here() !== base.pathname + "admin/sign-in") return here();
  await page.locator("[name=password]").fill(facts.password);
  await page.locator("button[type=submit]").click();
  await page.locator("#nav").first().waitFor({ state: "attached" });
  await settled(page);
  page.excused = null;
  const to = new URL(page.url());
  return to.pathname + to.search === base.pathname + "admin/tenants?state=failed" ? [] : to.href;
});
await check("links, the browser's back and a page opened anew stay below the path", async () => {
  await page.locator('#nav a[href$="/admin/jobs"]').first().click();
  await settled(page);
  if (here() !== base.pathname + "admin/jobs") return here();
  await page.goBack();
  await settled(page);
  if (here() !== base.pathname + "admin/tenants") return here();
  await page.goto(at("/admin/settings"));
  await settled(page);
  return page.complaints;
});
await check("a change is made, with its cookie and its token", async () => {
  await page.goto(at("/admin/customers"));
  await settled(page);
  const done = await page.evaluate(async () => {
    const { send } = await import(document.querySelector('link[href$="/base/api.js"]').href);
    return (await send("POST", "/api/customers", { name: "Below", email: "below@box.example" })).name;
  });
  return done === "Below" ? page.complaints : done;
});
await check("what changes is shown as it changes", async () => {
  await page.getByText("Below", { exact: true }).first().waitFor();
  return page.complaints;
});
await check("the order page, the portal and the reference have their way, too", async () => {
  for (const path of ["/", "/docs", "/reveal.html"]) {
    await page.goto(at(path));
    await page.locator("main h1, main p, .hero").first().waitFor();
  }
  return page.complaints.filter((c) => !/404|checkout|offers/.test(c));
});
await check("nothing was asked for outside of the path", async () => [...new Set(strays)]);
await browser.close();
end();
