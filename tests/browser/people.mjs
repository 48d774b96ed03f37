// People and keys: invited by a link, disabled, reset, deleted; a key with few scopes, rotated and revoked.
import { check, end, facts, launch, open, settled, signIn } from "./part.mjs";
const browser = await launch();
const page = await open(browser), there = await open(browser);
const button = (p, name) => p.getByRole("button", { name, exact: true });
const dialog = (p) => p.locator("dialog[open]").last();
const asked = (p) => p.locator("dialog[open]:not(.side)");
const once = (p) => p.locator("[data-once] code").innerText();
const passwords = ["a long enough one 7", "another long one 8"];
let link;

async function choose(p, password, act) {
  await p.locator("[name=password]").fill(password);
  await p.locator("[name=again]").fill(password);
  await button(p, act).click();
}

await check("an admin invites somebody and is shown the link once", async () => {
  await signIn(page, { to: "/admin/users" });
  await settled(page);
  await button(page, "Invite a user").click();
  await dialog(page).locator("[name=name]").fill("bob");
  await dialog(page).locator("[name=role]").selectOption("viewer");
  await dialog(page).locator("summary").click();
  const said = await dialog(page).locator(".says").innerText();
  await button(dialog(page), "Invite").click();
  link = await once(page);
  await button(page, "I have it").click();
  return /sett invitation create/.test(said) && /\/admin\/accept#[\w-]{43}$/.test(link);
});
await check("whoever holds the link chooses a password and is in, with that role", async () => {
  await there.goto(link);
  await there.getByText("You are invited as bob").waitFor();
  await there.locator("[name=password]").fill(passwords[0]);
  await there.locator("[name=again]").fill("something else");
  await button(there, "Accept and sign in").click();
  await there.getByText("The two are not the same.").waitFor();
  await choose(there, passwords[0], "Accept and sign in");
  await there.locator("#nav").first().waitFor({ state: "attached" });
  const nav = await there.locator("#nav").first().innerText();
  return !nav.includes("API keys") && nav.includes("Tenants") && !there.url().includes("#");
});
await check("the link is good once", async () => {
  const other = await open(browser);
  other.excused = /404/;
  await other.goto(link);
  await other.getByText("This link was used before").waitFor();
  await other.context().close();
});
await check("the list of invitations has it without being loaded again", async () => {
  await page.getByRole("link", { name: "Invitations" }).click();
  await page.getByText("accepted", { exact: true }).waitFor();
  await page.goto("/admin/users");
  await page.getByRole("link", { name: "bob", exact: true }).click();
  await dialog(page).getByText("may sign in").waitFor();
});
await check("disabled, the user is out at once", async () => {
  await button(dialog(page), "Disable").click();
  await button(asked(page), "Disable").click();
  await dialog(page).getByText("disabled", { exact: true }).waitFor();
  there.excused = /401|422/;
  await there.goto("/admin/tenants");
  await there.locator("[name=username]").waitFor();
  await button(dialog(page), "Enable").click();
  await button(asked(page), "Enable").click();
  await dialog(page).getByText("may sign in").waitFor();
});
await check("a link to a new password sets it and signs nobody in", async () => {
  await button(dialog(page), "New password link").click();
  await button(asked(page), "New password link").click();
  const reset = await once(page);
  await button(page, "I have it").click();
  await there.goto(reset);
  await there.getByText("Choose a new password for bob").waitFor();
  await choose(there, "password", "Set the password");
  await there.locator("small.bad").waitFor();
  await choose(there, passwords[1], "Set the password");
  await there.getByText("The password is set").waitFor();
  there.excused = /401|422/;
  await signIn(there, { user: "bob", password: passwords[1], again: true });
});
await check("deleting says what goes with it and wants the name typed", async () => {
  await page.goto("/admin/users");
  await page.getByRole("link", { name: "bob", exact: true }).click();
  await button(dialog(page), "Delete").click();
  const dies = await page.locator(".dies").innerText(), act = asked(page).getByRole("button", { name: "Delete the user" });
  const before = await act.isDisabled();
  await asked(page).locator("input").fill("bob");
  await act.click();
  await page.getByRole("link", { name: "bob", exact: true }).waitFor({ state: "detached" });
  return before && /1 session/.test(dies);
});

let key;
const asks = (path, k = key) => fetch(facts.base + path, { headers: { Authorization: "Bearer " + k } }).then(async (r) => [r.status, (await r.json()).code]);
await check("a key with a scope is shown once and good for that alone", async () => {
  await page.goto("/admin/keys");
  await settled(page);
  await button(page, "New API key").first().click();
  await dialog(page).locator("[name=name]").fill("deploy");
  await dialog(page).locator("[name=role]").selectOption("operator");
  await dialog(page).getByLabel("all that its role may").uncheck();
  await dialog(page).getByLabel("tenant:read", { exact: true }).check();
  await dialog(page).locator("[name=networks]").fill("127.0.0.0/8 ::1");
  await button(dialog(page), "Create").click();
  key = await once(page);
  await button(page, "I have it").click();
  await page.locator("tbody").getByText("tenant:read").waitFor();
  const seen = [await asks("/api/tenants"), await asks("/api/jobs")];
  return JSON.stringify(seen) === '[[200,null],[403,"scope_missing"]]' || seen;
});
await check("its last use appears, with the address", async () => page.locator("tbody").getByText("127.0.0.1").waitFor());
await check("rotated, both are good for a while; revoked, it is dead", async () => {
  await page.getByRole("button", { name: "What to do with deploy" }).click();
  await page.getByRole("menuitem", { name: "Rotate" }).click();
  await button(dialog(page), "Rotate").click();
  const next = await once(page);
  await button(page, "I have it").click();
  const both = [(await asks("/api/tenants"))[0], (await asks("/api/tenants", next))[0]];
  await page.getByText("rotated, still good").waitFor();
  await page.getByRole("button", { name: "What to do with deploy" }).first().click();
  await page.getByRole("menuitem", { name: "Revoke" }).click();
  await dialog(page).locator("input").fill("deploy");
  await button(dialog(page), "Revoke").click();
  await page.getByText("revoked", { exact: true }).waitFor();
  return JSON.stringify(both) === "[200,200]" && (await asks("/api/tenants", next))[0] === 401 && (await asks("/api/tenants"))[0] === 200;
});
await check("a customer is made, found and corrected", async () => {
  await page.goto("/admin/customers?new=1");
  await dialog(page).locator("[name=name]").fill("Acme Ltd");
  await dialog(page).locator("[name=email]").fill("ann@acme.example");
  await button(dialog(page), "Create").click();
  await page.getByRole("heading", { name: "Acme Ltd" }).waitFor();
  await button(page, "Edit").click();
  await dialog(page).locator("[name=locale]").fill("de");
  await button(dialog(page), "Save").click();
  await page.locator(".facts").getByText("de", { exact: true }).waitFor();
  await page.goto("/admin/customers");
  await page.locator("[data-search]").fill("acme.ex");
  await page.waitForURL(/q=acme/);
  await page.getByRole("link", { name: "Acme Ltd" }).waitFor();
});
await check("nothing was complained of", () => [...page.complaints, ...there.complaints].filter((c) => !/dashboard\.js|status of 401/.test(c)));
await browser.close();
end();
