// A buyer and customer in a real browser: from a plan's card by Stripe's page to the working address and the first
// credentials, then the portal; and what a second customer does not see. What happens outside the browser the test
// that started this does, asked by a line.
import { createInterface } from "node:readline";
import { axe, check, end, facts, launch, open, settled, shot, tooWide } from "./part.mjs";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function outside(what) {
  console.log("> " + what);
  return JSON.parse((await lines.next()).value);
}
const browser = await launch(), page = await open(browser);
await page.route("https://checkout.stripe.com/**", (r) => r.fulfill({ contentType: "text/html", body: "<!doctype html><title>Pay</title><h1>Pay</h1>" }));
await page.route("https://billing.stripe.com/**", (r) => r.fulfill({ contentType: "text/html", body: "<!doctype html><title>Billing</title><h1>Billing</h1>" }));
const fine = async (name) => [...await axe(page), ...((await tooWide(page)) ? ["too wide"] : []), ...page.complaints.splice(0), ...(facts.shots ? (await shot(page, facts.shots, name), []) : [])];
const title = (text) => page.locator("h1", { hasText: text }).first().waitFor();

await check("before anything is for sale the order page says so, and how that is done", async () => {
  await page.goto("/");
  await page.locator(".empty", { hasText: "Nothing is for sale here yet" }).waitFor();
  return (await page.locator(".empty code").innerText()).includes("sett plan create") && fine("order-none");
});
await outside("offer");
await check("plans are cards with Stripe's prices", async () => {
  await page.goto("/");
  await page.locator(".offer", { hasText: "€9.00" }).first().waitFor();
  await page.getByRole("radio").nth(1).check();
  if ((await page.locator(".brand").innerText()) !== "Zw\u00f6lf Bl\u00e4tter") return "the brand is not shown";
  return page.url().includes("plan=team") && (await page.locator(".offer", { hasText: "Team" }).innerText()).includes("a month") && fine("order");
});
await check("a name is checked while it is typed, and others are proposed", async () => {
  await page.locator("[name=subdomain]").fill("nucleus");
  await page.locator(".check.bad", { hasText: "taken" }).waitFor();
  await page.locator(".chip").first().click();
  await page.locator(".check.good", { hasText: "free" }).waitFor();
  await page.locator("[name=subdomain]").fill("Hooli");
  await page.locator(".check.good").waitFor();
  return (await page.locator("[name=subdomain]").inputValue()) === "hooli";
});
const pay = async () => {
  await page.getByRole("button", { name: "Continue to payment" }).click();
  await page.waitForURL(/checkout\.stripe\.com/);
  return outside("session");
};
let session;
await check("the button leads to Stripe's page", async () => {
  await page.locator("[name=name]").fill("Hooli");
  await page.locator("[name=email]").fill("owner@hooli.example");
  session = await pay();
  return session.success_url.startsWith(facts.base + "/order/ord_") && session.cancel_url.includes("plan=team&name=hooli");
});
await check("who comes back has the choice kept, the name held, and no secret in the address", async () => {
  await page.goto(session.cancel_url);
  await page.locator(".card", { hasText: "kept for you until" }).waitFor();
  await page.locator(".check.good", { hasText: "kept for you" }).waitFor();
  return !page.url().includes("#") && (await page.getByRole("radio").nth(1).isChecked());
});
const tabTo = async (selector) => {
  for (let i = 0; i < 40; i++) {
    if (await page.evaluate((s) => document.activeElement?.matches(s), selector)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error("Tab does not reach " + selector);
};
await check("another choice, made by the keyboard alone, gives the first one up", async () => {
  const before = session.id;
  await tabTo("[name=plan]");
  await page.keyboard.press("ArrowUp");
  await tabTo("[name=name]");
  await page.keyboard.type("Hooli");
  await tabTo("[name=email]");
  await page.keyboard.type("owner@hooli.example");
  if (!(await page.getByRole("radio").first().isChecked())) return "the arrow did not choose";
  await page.keyboard.press("Enter");
  await page.waitForURL(/checkout\.stripe\.com/);
  session = await outside("session");
  return session.id !== before && (await outside("state " + before)) === "expired";
});
await check("the order's page waits for the payment", async () => {
  await page.goto(session.success_url);
  await title("Waiting for your payment");
  return fine("order-waiting");
});
await check("and shows each stage, without being loaded again, though the front is killed meanwhile, to the address", async () => {
  await page.evaluate(() => { window.same = true; });
  page.excused = /50\d|ERR_|429/; // the front is killed under it
  await outside("restart");
  await outside("pay");
  await title("hooli is ready");
  page.excused = null;
  const done = await page.locator(".stages .done").count();
  return done === 5 && (await page.evaluate(() => window.same)) && fine("order-ready");
});
const address = await page.locator(".address a").getAttribute("href");
await check("which answers", async () => (await (await fetch(address.replace("hooli.localhost", "127.0.0.1"), { headers: { Host: new URL(address).host } }).catch(() => null))?.status) === 200 || (await outside("answers")));
await check("the first credentials are shown once", async () => {
  await page.getByRole("button", { name: "Show them now" }).click();
  await page.locator(".secrets, .trouble").first().waitFor();
  if (await page.locator(".trouble").count()) return page.locator(".trouble").innerText();
  const password = await page.locator(".secrets dd > span").nth(1).innerText();
  const odd = await fine("order-credentials");
  await page.reload();
  await page.locator(".card", { hasText: "shown before" }).waitFor();
  return password.length === 20 && odd;
});
await check("a customer signs in by a link in a mail", async () => {
  page.excused = /401/;
  await page.goto("/portal");
  await page.locator("[name=email]").fill("owner@hooli.example");
  const odd = await fine("portal-enter");
  await page.getByRole("button", { name: "Send me a link" }).click();
  await page.locator("[role=status]", { hasText: "on its way" }).waitFor();
  await page.goto(await outside("mail"));
  await page.getByRole("button", { name: "Sign in" }).click();
  await title("My services");
  page.excused = null;
  return odd;
});
await check("and sees own services, no other's", async () => {
  const names = await page.locator(".service h2").allInnerTexts();
  return names.join() === "Hooli" && fine("portal");
});
await check("a service: its state, usage, domains, backups and logs", async () => {
  await page.locator(".service").click();
  await title("Hooli");
  await settled(page);
  await page.locator(".use", { hasText: "Memory" }).waitFor();
  await page.getByRole("button", { name: "Read" }).click();
  await page.locator("pre.log, .card:has-text('has written nothing')").first().waitFor();
  return fine("portal-service");
});
await check("it is restarted, and that is told when it is through", async () => {
  await page.getByRole("button", { name: "Restart" }).click();
  await page.locator("dialog").getByRole("button", { name: "Restart" }).click();
  await page.locator(".toast", { hasText: "It runs again" }).waitFor();
});
await check("a domain is added, with what has to be entered for it", async () => {
  await page.getByRole("button", { name: "Add a domain" }).click();
  await page.locator("[name=name]").fill("hooli-shop.example");
  await page.locator("form").getByRole("button", { name: "Add a domain" }).click();
  await page.locator(".records", { hasText: "_sett-challenge.hooli-shop.example" }).waitFor();
  return fine("portal-domain");
});
await check("a backup that is made appears, is gone back to with the name typed, and kept", async () => {
  await outside("snapshot");
  await page.reload();
  await page.getByRole("button", { name: "Restore" }).click();
  await page.locator("dialog input").fill("Hooli");
  const odd = await fine("portal-restore");
  await page.locator("dialog").getByRole("button", { name: "Restore" }).click();
  await page.locator(".toast", { hasText: "as it was then" }).waitFor();
  await page.getByRole("button", { name: "Keep it so" }).click();
  await page.locator(".toast", { hasText: "Done" }).waitFor();
  return odd;
});
await check("invoices are a click away", async () => {
  await page.getByRole("button", { name: "Invoices and payment" }).click();
  await page.waitForURL(/billing\.stripe\.com/);
});
await check("another customer's service is none, by whatever address", async () => {
  page.excused = /404/;
  await page.goto("/portal/" + facts.other);
  await page.locator(".empty", { hasText: "There is no such service" }).waitFor();
  page.excused = null;
  return !(await page.locator("body").innerText()).includes("Nucleus");
});
await check("signing out leads to the way in", async () => {
  page.excused = /401/;
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.locator("[name=email]").waitFor();
  page.excused = null;
});
await check("the reference of the API finds an operation, which has an address of its own", async () => {
  await page.goto("/docs");
  await title("API reference");
  await page.locator("[type=search]").fill("checkout");
  await page.locator("[type=search]").press("Enter");
  await page.locator("#checkout\\.create[open] .props", { hasText: "subdomain" }).first().waitFor();
  return page.url().endsWith("#checkout.create") && (await page.locator("#checkout\\.create").innerText()).includes("curl -X POST") && fine("docs");
});
for (const [lang, theme, path, text] of [["de", "dark", "/", "Wählen Sie Ihren Tarif"], ["es", "light", session.success_url, "está listo"]])
  await check(`in ${lang}, ${theme}, on a telephone: ${text}`, async () => {
    const small = await open(browser, { width: 360, height: 780, lang, theme });
    await small.goto(path);
    await small.locator("h1", { hasText: text }).waitFor();
    await settled(small);
    const odd = [...await axe(small), ...((await tooWide(small)) ? ["too wide"] : []), ...small.complaints];
    if (facts.shots) await shot(small, facts.shots, `order-${lang}-${theme}-360`);
    await small.context().close();
    return odd;
  });
await browser.close();
end();
