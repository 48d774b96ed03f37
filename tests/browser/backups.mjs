// Backups, drift, alerts and the audit, as an operator uses them: what is done on a page is done on the box.
import { axe, check, end, facts, launch, ok, open, settled, signIn } from "./part.mjs";
const browser = await launch();
const page = await open(browser);
await signIn(page, { to: "/admin/backups" });
const go = async (path) => { await page.goto(path); await settled(page); };
const dialog = page.locator("dialog[open]").last();
const button = (name, where = page) => where.getByRole("button", { name });

await check("the page begins with what is to be done, in words and commands", async () => {
  await settled(page);
  await page.getByText("sett recovery init").waitFor();
});
await check("a vault is added, and tried at once", async () => {
  await page.locator("main").getByRole("button", { name: "Add a vault" }).click();
  await dialog.getByLabel("Name").fill("local");
  await dialog.getByLabel("Folder", { exact: false }).last().fill(facts.folder + "/nowhere");
  page.excused = /503/; // a folder that is not there is told with that
  await button("Add a vault", dialog).click();
  await dialog.getByText("No such file").waitFor();
  page.excused = null;
  await dialog.locator("header button").click();
  await go("/admin/backups?tab=vaults");
  await button("Edit local").click();
  ok((await dialog.locator("[name=kind]").count()) === 0, "its kind stays");
  await dialog.locator("[name=address]").fill(facts.folder);
  await button("Save", dialog).click();
  await dialog.getByText("there and back").waitFor();
  await dialog.locator("header button").click();
});
await check("what room there is stands with it", async () => { await page.getByText(/ free$/).first().waitFor(); });

await check("a recovery key is added from its public half", async () => {
  await go("/admin/backups?tab=rules");
  await button("Add a key").first().click();
  await dialog.getByLabel("Name").fill("recovery");
  await dialog.getByLabel("Public key").fill(facts.key);
  await button("Add a key", dialog).click();
  await page.locator("td", { hasText: "settrec1" }).waitFor();
  await button("Recovery kit").click();
  await dialog.locator("pre", { hasText: facts.key }).waitFor();
  const [kit] = await Promise.all([page.waitForEvent("download"), button("Download", dialog).click()]);
  ok(/recovery-kit\.txt$/.test(kit.suggestedFilename()), "the kit is taken away");
  await dialog.locator("header button").click();
});
await check("a snapshot is made, and its steps are seen", async () => {
  await go("/admin/backups?run=1");
  await button("Make it", dialog).click();
  await page.locator("dialog.side .state.good").first().waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".matrix .cell.good").first().waitFor();
});
await check("the matrix is walked by keys; Enter opens the snapshot", async () => {
  await go("/admin/backups");
  await page.locator(".matrix .cell").first().waitFor();
  ok((await page.locator(".matrix [tabindex='0']").count()) === 1, "one cell is in the order of Tab");
  await page.locator(".matrix [tabindex='0']").focus();
  const label = () => page.evaluate(() => document.activeElement.getAttribute("aria-label"));
  ok(/Whole box: verified/.test(await label()), "which says what it is", await label());
  await page.keyboard.press("ArrowDown");
  ok(/Acme: (verified|none)/.test(await label()), "down is a tenant", await label());
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowRight");
  ok(/Whole box: none/.test(await label()), "right is the day before", await label());
  await page.keyboard.press("Home");
  await page.keyboard.press("Enter");
  await page.waitForURL(/backups\/snap_/);
  return axe(page);
});
await check("and it is taken away as a file", async () => {
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download" }).click()]);
  ok(/\.sett$/.test(file.suggestedFilename()), "with its name", file.suggestedFilename());
});
await check("its twin says the same in words", async () => {
  await go("/admin/backups");
  await button("Show as table of words").click();
  await page.getByRole("columnheader", { name: "Last good" }).waitFor();
  await button("Show as grid").click();
});
await check("a restore shows what it costs first, and wants the name", async () => {
  await go("/admin/backups?tab=snapshots");
  await page.locator("a.row").first().click();
  await button("Restore a tenant").click();
  await dialog.locator("input[list]").fill("Acm");
  await dialog.locator(".choices button").click();
  await button("Show what it would cost", dialog).click();
  await dialog.locator(".dies", { hasText: "all that acme wrote" }).waitFor();
  ok(await dialog.locator("button[type=submit]").isDisabled(), "without the name it does not begin");
  await dialog.getByLabel(/Type Acme/).fill("Acme");
  await dialog.locator("button[type=submit]").click();
  await page.locator("dialog.side .state.good").first().waitFor({ timeout: 40000 });
  await page.keyboard.press("Escape");
  await go("/admin/backups?tab=restores");
  await button("Take it back").click();
  await dialog.locator("input").fill("Acme");
  await button("Take it back", dialog).click();
  await page.locator("dialog.side .state.good").first().waitFor({ timeout: 40000 });
  await page.keyboard.press("Escape");
  await page.getByText("taken back").first().waitFor();
});
await check("rules are tried out before they are set", async () => {
  await go("/admin/backups?tab=rules");
  await page.locator("[name=keep_daily]").fill("12");
  await page.getByText(/0 would go/).waitFor();
  await button("Save").click();
  await page.waitForFunction(async () => (await (await fetch("/api/settings")).json()).data.find((s) => s.name === "snapshot.keep_daily").value === "12");
});
await check("a finding of drift is looked at and accepted", async () => {
  await go("/admin/drift");
  await button("Look now").click();
  await page.locator("td button.row", { hasText: "tenants/77" }).click();
  await dialog.getByText("What should be").waitFor();
  await dialog.locator(".plan li").first().waitFor();
  await dialog.getByLabel("Accept").check();
  await dialog.getByLabel("Reason").fill("kept by hand");
  await dialog.locator("button[type=submit]").click();
  await go("/admin/drift?state=accepted");
  await page.getByText("tenants/77").waitFor();
});
await check("and one is brought back, with its plan", async () => {
  await go("/admin/drift");
  await page.locator("td button.row", { hasText: "tenants/78" }).click();
  await dialog.locator(".plan li").first().waitFor();
  ok(await dialog.locator("button[type=submit]").isDisabled(), "what is removed for good is named first");
  await dialog.getByLabel(/Type tenants/).fill("tenants/78");
  await dialog.locator("button[type=submit]").click();
  await page.locator("dialog.side .state.good").first().waitFor({ timeout: 40000 });
  await page.keyboard.press("Escape");
});
await check("alerts are answered for, many at once, and silenced", async () => {
  await go("/admin/alerts");
  await page.locator("tbody tr").first().waitFor();
  await page.getByLabel("Select all on this page").check();
  await button("Answer for it", page.locator(".bar")).click();
  await dialog.getByLabel("Note").fill("seen to");
  await dialog.locator("button[type=submit]").click();
  await go("/admin/alerts?tab=acknowledged");
  await page.locator("tbody tr").first().waitFor();
  await page.locator("td button.row").first().click();
  await dialog.getByText("seen to").waitFor();
  await button("Silence", dialog).click();
  await page.getByRole("menuitem").first().click();
  await dialog.getByText("Silent until").waitFor();
});
await check("what opens at the side is there on a telephone, too", async () => {
  await page.setViewportSize({ width: 360, height: 780 });
  await go("/admin/audit?entry=3");
  await dialog.getByText("Sealed to", { exact: true }).waitFor();
  await page.setViewportSize({ width: 1440, height: 900 });
});
await check("a rule of alerts is set", async () => {
  await go("/admin/alerts?tab=rules");
  await page.locator("td button.row", { hasText: "box.disk" }).click();
  await dialog.getByLabel(/^From/).fill("91");
  await dialog.locator("button[type=submit]").click();
  await page.locator("td", { hasText: "91 %" }).waitFor();
});
await check("the audit's filters stand in the address; an entry shows its hashes", async () => {
  await go("/admin/audit");
  await page.locator("[placeholder='What, as in tenant.*']").fill("vault.*");
  await page.keyboard.press("Tab");
  await page.waitForURL(/action=vault/);
  await page.waitForFunction(() => [...document.querySelectorAll("tbody tr td:nth-child(2)")].every((td) => td.textContent.startsWith("vault.")));
  await page.reload();
  await page.locator("td button.row").first().click();
  await dialog.getByText("Sealed to", { exact: true }).waitFor();
  ok((await dialog.locator("code", { hasText: /^[0-9a-f]{64}$/ }).count()) >= 2, "what it is sealed to, and its own");
  await dialog.getByText("intact").first().waitFor();
  return axe(page);
});
await check("the chain is checked and taken away", async () => {
  await go("/admin/audit");
  await button("Check the chain").click();
  await dialog.getByText(/none edited/).waitFor();
  await page.keyboard.press("Escape");
  await button("Export").click();
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: "NDJSON" }).click()]);
  ok(/\.ndjson$/.test(file.suggestedFilename()), "as lines", file.suggestedFilename());
});
await check("a letter to customers is counted before it is sent", async () => {
  await go("/admin/mails?new=1");
  await dialog.getByLabel("Subject").fill("New version");
  await dialog.getByLabel("Text").fill("Dear {{customer}}");
  await button("Who would get it", dialog).click();
  await dialog.getByText("ann@example.com").waitFor();
  await button("Send", dialog).click();
  await page.locator("td button.row", { hasText: "message" }).first().click();
  await dialog.getByText("on its way").waitFor();
});
await check("what is done elsewhere is seen without a reload", async () => {
  await go("/admin/backups?tab=snapshots");
  const before = await page.locator("tbody tr").count();
  await page.evaluate(async () => {
    const me = await (await fetch("/api/auth/me")).json();
    await fetch("/api/snapshots", { method: "POST", body: "{}", headers: { "Content-Type": "application/json", "X-CSRF": me.csrf_token } });
  });
  await page.waitForFunction((n) => document.querySelectorAll("tbody tr").length > n && document.querySelector("tbody tr .state.good"), before);
});
await check("a vault that is removed is named first", async () => {
  await go("/admin/backups?tab=vaults");
  await button("Remove vault local").click();
  ok(await button("Remove vault", dialog).isDisabled(), "its name is to be typed");
  await dialog.locator("input").fill("local");
  await button("Remove vault", dialog).click();
  await page.getByText("No vaults yet").waitFor();
});
await check("who may only look sees the same, and nothing to change it by", async () => {
  const other = await open(browser);
  await signIn(other, { user: "vera", password: facts.viewer });
  for (const path of ["/admin/backups", "/admin/backups?tab=vaults", "/admin/backups?tab=rules", "/admin/backups?tab=restores", "/admin/drift", "/admin/alerts", "/admin/mails"]) {
    await other.goto(path);
    await settled(other);
    const acts = await other.locator("main").getByRole("button", { name: /Make a snapshot|Add|Remove|Look now|Answer|Write|Save/ }).count();
    if (acts) other.complaints.push(`${path} offers what is refused`);
  }
  const out = [...other.complaints];
  await other.context().close();
  return out;
});
ok(page.complaints.length === 0, "nothing was wrong on any page", page.complaints.join("\n"));
await browser.close();
end();
