// Tunnels: made, found, their rules edited by keyboard and by mouse, gone back to, probed, deleted; domains with their
// letters; the map of ports.
import { axe, check, end, facts, launch, open, settled, signIn } from "./part.mjs";
const browser = await launch();
const page = await open(browser), d = facts.domain;
const button = (name, p = page) => p.getByRole("button", { name, exact: true });
const dialog = (kind = "") => page.locator(`dialog[open]${kind}`).last();
const rule = (n) => page.locator(".rules .rule").nth(n - 1);
const field = (n, name) => rule(n).locator(`[data-field=${name}]`);
const closeJob = async () => { await page.locator("dialog.side .job[aria-busy=false]").waitFor(); await page.keyboard.press("Escape"); };
let tab;
const tile = (name) => page.locator(".tile", { hasText: name }).locator("b");

await check("a tunnel for a service of one's own is made from a form that shows its plan, and its job as it happens", async () => {
  await signIn(page, { to: "/admin/tunnels" });
  await settled(page);
  tab = await page.context().newPage();
  await tab.goto("/admin/tunnels");
  await settled(tab);
  await button("Create a tunnel").first().click();
  await dialog().locator("[name=hostname]").fill(`pbx.${d}`);
  await dialog().locator("[name=service]").fill(facts.service);
  await dialog().locator("[name=name]").fill("pbx");
  await button("Preview").click();
  await dialog().locator(".plan li").first().waitFor();
  await button("Create").click();
  await closeJob();
  await page.locator(".head .state.good", { hasText: "active" }).waitFor();
});
await check("another tab has it by itself, and counts it", async () => {
  await tab.locator("a.row", { hasText: `pbx.${d}` }).waitFor();
  await tab.locator("tr", { hasText: `pbx.${d}` }).locator(".state.good", { hasText: "active" }).waitFor();
  await tab.locator(".tile", { hasText: "All" }).locator("b", { hasText: "2" }).waitFor();
  await tab.close();
});
await check("the list counts and finds it; a tile is a filter, and all of it stands in the address", async () => {
  await page.goto("/admin/tunnels");
  await settled(page);
  await tile("Active").filter({ hasText: "2" }).waitFor();
  await page.locator("[data-search]").fill("pbx");
  await page.waitForURL(/q=pbx/);
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
  await page.locator(".tile", { hasText: "Errors" }).click();
  await page.waitForURL(/trouble=true/);
});
await check("who is connected, and what Cloudflare says of it", async () => {
  await page.goto("/admin/tunnels/pbx");
  await page.getByText("It is connected.").waitFor();
  await page.locator("td", { hasText: "FRA01" }).waitFor();
  await page.locator("code", { hasText: "cfargotunnel.com" }).waitFor();
});
await check("a probe says what it found, and that nothing is to be done", async () => {
  await button("Probe").click();
  await dialog().locator(".steps li").nth(4).waitFor();
  const said = await dialog().innerText();
  await page.keyboard.press("Escape");
  return said.includes("It answers at /");
});
await check("a rule is looked at while it is typed: each fault beside its field, and nothing can be applied", async () => {
  await page.getByRole("link", { name: "Rules" }).click();
  await button("Add a rule").click();
  await page.waitForFunction(() => document.activeElement?.dataset?.field === "hostname");
  await field(2, "hostname").fill(`pbx.${d}`);
  await field(2, "path").fill("^/ws(");
  await field(2, "service").fill("ftp://localhost");
  await rule(2).locator("[data-field=path][aria-invalid=true]").waitFor();
  await rule(2).getByText("a service begins with http").waitFor();
  return (await button("Review the change").isDisabled()) && (await page.getByText("2 things are wrong").count()) === 1;
});
await check("what is hidden by another rule is said, and the way up is one key", async () => {
  await field(2, "path").fill("^/ws");
  await field(2, "service").fill("https://localhost:8089");
  await rule(2).getByText("it is never met").waitFor();
  await button("Move rule 2 up").focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement?.closest(".rule")?.querySelector("b").textContent === "1");
  await rule(1).getByText("it is never met").waitFor({ state: "detached" });
});
await check("an address is tried against what is not applied yet", async () => {
  await page.getByPlaceholder("Try an address").fill(`https://pbx.${d}/ws/1`);
  await page.getByText("meets rule 1: https://localhost:8089").waitFor();
  await page.locator(".rule.met").first().waitFor();
});
await check("the change is compared, applied, and is in force without loading the page again", async () => {
  await button("Review the change").click();
  const lines = await dialog(".wide").locator(".diff .plus").innerText();
  await button("Apply").click();
  await closeJob();
  await page.getByText("Version 1").waitFor();
  await page.locator(".versions", { hasText: "changed by admin" }).waitFor();
  return lines.includes("+ 1.") && lines.includes("^/ws") && (await field(1, "path").inputValue()) === "^/ws";
});
await check("a former version is gone back to", async () => {
  await page.locator(".versions").getByRole("button", { name: "Go back to it" }).first().click();
  await dialog().locator(".diff .minus").first().waitFor();
  await button("Go back to it", dialog()).click();
  await closeJob();
  await page.waitForFunction(() => document.querySelectorAll(".rules .rule").length === 2);
});
await check("the editor can be used by everybody: nothing serious for axe", () => axe(page));
await check("its log is searched", async () => {
  await page.getByRole("link", { name: "Log", exact: true }).click();
  await page.locator(".log li").first().waitFor();
  await page.locator("main [data-search]").fill("no such words");
  await page.getByText("Nothing matches.").waitFor();
});
await check("deleting it names what goes with it and wants its name", async () => {
  await page.locator(".head").getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Delete the tunnel" }).click();
  const dies = await dialog().locator(".dies").innerText();
  const off = await button("Delete the tunnel", dialog()).isDisabled();
  await dialog().locator(".field input").fill(`pbx.${d}`);
  await button("Delete the tunnel", dialog()).click();
  await closeJob();
  await page.waitForFunction((host) => !document.querySelector("tbody")?.innerText.includes(host), `pbx.${d}`);
  return off && dies.includes(`pbx.${d}`) && new URL(page.url()).pathname === "/admin/tunnels";
});

await check("a domain is added; what its customer has to enter is shown, and is a letter in their language", async () => {
  await page.goto("/admin/domains?new=1");
  await dialog().locator("[name=name]").fill("mustermann.de");
  await dialog().locator("[name=tenant]").fill("acme");
  await dialog().locator("[name=via]").selectOption("zone");
  await button("Add a domain", dialog()).click();
  await closeJob();
  await page.locator("td", { hasText: "ns.cloudflare.com" }).first().waitFor();
  await page.locator(".card-head select").selectOption("de");
  await page.locator(".instructions[lang=de]").waitFor();
  await button("As letter").click();
  const letter = await dialog().locator(".letter").innerText();
  await page.keyboard.press("Escape");
  await button("Look now").click();
  await page.getByText("What was seen").waitFor();
  return letter.includes("mustermann.de") && /Nameserver/.test(letter);
});
await check("the list has who is waited for, and how long there is", async () => {
  await page.getByRole("link", { name: "Domains" }).last().click();
  await settled(page);
  await page.locator(".tile", { hasText: "Customer's turn" }).click();
  await page.waitForURL(/state=pending/);
  await page.getByText("28 days left").waitFor();
});
await check("a tenant's access and rate limit are set on its page, and taken away", async () => {
  await page.goto("/admin/tenants");
  await page.locator("a.row", { hasText: "Acme" }).click();
  await page.getByRole("link", { name: "Access", exact: true }).click();
  await page.getByText("Everybody may come in.").waitFor();
  await button("Set").first().click();
  await dialog().locator("[name=emails]").fill("ann@example.com");
  await button("Save", dialog()).click();
  await closeJob();
  await page.locator("code", { hasText: "ann@example.com" }).waitFor();
  await button("Set").click();
  await dialog().locator("[name=requests]").fill("50");
  await button("Save", dialog()).click();
  await closeJob();
  await button("Take away").first().click();
  await button("Take away", dialog()).click();
  await closeJob();
  await page.getByText("Everybody may come in.").waitFor();
});
await check("removing a domain wants its name, and the list has it no more", async () => {
  await page.goto("/admin/domains/mustermann.de");
  await settled(page);
  await page.locator(".head").getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Remove the domain" }).click();
  await dialog().locator(".field input").fill("mustermann.de");
  await button("Remove the domain", dialog()).click();
  await closeJob();
  await page.getByText("No domains yet").waitFor();
});
await check("what cannot be taken over is said beside its field", async () => {
  await page.goto("/admin/tunnels");
  await settled(page);
  await page.locator(".head").getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Take over a tunnel" }).click();
  await dialog().locator("[name=tunnel]").fill("no-such-id");
  page.excused = /422/;
  await button("Take over", dialog()).click();
  await dialog().locator("[name=tunnel][aria-invalid=true]").waitFor();
  await dialog().getByText("is no tunnel's id").waitFor();
  page.excused = null;
  await page.keyboard.press("Escape");
});
await check("the map of ports is walked by arrows, a port is kept and let go, and a table has the same", async () => {
  await page.goto("/admin/ports");
  await settled(page);
  await page.locator(".ports button").first().focus();
  for (const key of ["ArrowRight", "ArrowRight", "ArrowDown"]) await page.keyboard.press(key);
  await page.waitForURL(/port=3127/);
  await button("Reserve").click();
  await dialog().locator("[name=note]").fill("our wiki");
  await button("Reserve", dialog()).click();
  await page.locator(".ports .reserved[data-port='3127']").waitFor();
  await page.getByRole("link", { name: "Table" }).click();
  await page.locator("td", { hasText: "our wiki" }).waitFor();
  await button("3127").click();
  await button("Release").click();
  await page.locator(".ports .free[data-port='3127']").waitFor();
  return axe(page);
});
await check("a viewer sees all of it and can change none", async () => {
  const other = await open(browser);
  await signIn(other, { user: "vera", password: facts.viewer, to: "/admin/tunnels" });
  await settled(other);
  const out = [];
  if (await button("Create a tunnel", other).count()) out.push("a button to create");
  await other.locator("tbody a.row").first().click();
  await other.getByRole("link", { name: "Rules" }).click();
  await other.locator(".rules .rule").first().waitFor();
  if (await other.locator(".rules input:enabled").count()) out.push("a rule to type in");
  if (await button("Restart", other).count()) out.push("a button to restart");
  return [...out, ...other.complaints];
});
await check("nothing was refused or complained of meanwhile", () => page.complaints);
await browser.close();
end();
