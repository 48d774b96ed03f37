// Signing in and one's own account, as people do it: an app entered from its QR code, two steps, wrong codes,
// replay, recovery codes, a session ended from another browser, a second factor that the role must have, the
// password again for an act that needs it.
import { readFileSync } from "node:fs";
import { axe, check, end, facts, launch, open, settled, shot } from "./part.mjs";
import { code, earlyInStep } from "./totp.mjs";

const browser = await launch();
const dialog = (page) => page.locator("dialog[open]");
const button = (page, name) => page.getByRole("button", { name, exact: true });
const picture = (page, name) => (facts.shots ? shot(page, facts.shots, name) : null);

/** The first step, at the page where `to` leads; what stands there afterwards is the caller's. */
async function first(page, user, password, to = "/admin/account") {
  page.excused = /401|403|422|429/;
  await page.goto(to);
  await page.locator("[name=username]").fill(user);
  await page.locator("[name=password]").fill(password);
  await page.locator("button[type=submit]").click();
}
const inside = (page) => page.locator("#nav").first().waitFor({ state: "attached" });
const give = async (page, text) => {
  await page.locator("[name=code]").fill(text);
  await page.locator("button[type=submit]").click();
};

const page = await open(browser);
let secret, codes;

await check("without a second factor one step is enough; the account says so", async () => {
  await first(page, "ann@example.com", facts.secret, "/admin/account");
  await inside(page);
  await settled(page);
  await page.getByText("With an authenticator app a stolen password").waitFor();
  await picture(page, "account-off");
  return axe(page);
});
await check("an app is entered: a picture, a key to type, a wrong code said beside its field", async () => {
  await earlyInStep();
  await button(page, "Set up an app").click();
  await dialog(page).locator("img.qr").waitFor();
  if (!(await dialog(page).locator("img.qr").evaluate((i) => i.complete && i.naturalWidth > 0))) return "the picture is not shown";
  await dialog(page).locator("summary").click();
  secret = await dialog(page).locator("details code").innerText();
  await picture(page, "account-app");
  await dialog(page).locator("[name=code]").fill("000000");
  await button(dialog(page), "Confirm").click();
  await dialog(page).locator("small.bad").waitFor();
  const found = await axe(page);
  await dialog(page).locator("[name=code]").fill(code(secret, -1));
  await button(dialog(page), "Confirm").click();
  await dialog(page).locator(".code-list li").first().waitFor();
  return found;
});
await check("ten recovery codes, to copy and to keep as a file; then they are gone", async () => {
  codes = await dialog(page).locator(".code-list code").allInnerTexts();
  await picture(page, "account-codes");
  await dialog(page).getByRole("button", { name: "Copy all" }).click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  const [file] = await Promise.all([page.waitForEvent("download"), dialog(page).getByRole("link", { name: "Save as a file" }).click()]);
  const saved = readFileSync(await file.path(), "utf8");
  await button(dialog(page), "I have kept them").click();
  await dialog(page).waitFor({ state: "detached" });
  await page.getByText("Recovery codes left").waitFor();
  const left = await page.locator("main").innerText();
  return codes.length === 10 && copied === codes.join("\n") && codes.every((c) => saved.includes(c) && !left.includes(c)) ? true : { codes, copied, saved };
});
await check("the session went on under new tokens: an act is still taken", async () => {
  await button(page, "New recovery codes").click();
  await button(dialog(page), "New recovery codes").click();
  await dialog(page).locator(".code-list li").first().waitFor();
  const before = codes;
  codes = await dialog(page).locator(".code-list code").allInnerTexts();
  await button(dialog(page), "I have kept them").click();
  return codes.length === 10 && codes[0] !== before[0];
});

const second = await open(browser), given = () => code(secret);
let used;
await check("signing in takes two steps; a wrong code is said, the right one may be pasted", async () => {
  await first(second, "ann@example.com", facts.secret);
  const field = second.locator("[name=code]");
  await field.waitFor();
  if (!(await field.evaluate((e) => e === document.activeElement))) return "the field has no focus";
  if ((await field.getAttribute("autocomplete")) !== "one-time-code") return "managers cannot fill it in";
  await picture(second, "second-step");
  const found = await axe(second);
  await give(second, "000000");
  await second.locator("small.bad").waitFor();
  used = given();
  await second.evaluate((text) => navigator.clipboard.writeText(text), used.slice(0, 3) + " " + used.slice(3));
  await field.focus();
  await second.keyboard.press("Control+v");
  await second.keyboard.press("Enter");
  await inside(second);
  return found;
});
await check("the same code again lets nobody in; a recovery code does, once", async () => {
  const third = await open(browser);
  await first(third, "ann@example.com", facts.secret);
  await third.locator("[name=code]").waitFor();
  await give(third, used);
  await third.locator("small.bad").waitFor();
  await third.getByRole("button", { name: "Use a recovery code" }).click();
  await give(third, codes[0].toUpperCase());
  await inside(third);
  await third.context().close();
  const fourth = await open(browser);
  await first(fourth, "ann@example.com", facts.secret);
  await fourth.getByRole("button", { name: "Use a recovery code" }).click();
  await give(fourth, codes[0]);
  await fourth.locator("small.bad").waitFor();
  const where = new URL(fourth.url()).pathname;
  await fourth.context().close();
  return where === "/admin/sign-in" || where;
});
await check("a session is ended from another browser, which is led out; all others at once", async () => {
  page.excused = second.excused = /401/;
  await page.goto("/admin/account");
  const rows = page.locator(".rows li");
  await rows.nth(1).waitFor();
  await picture(page, "account-sessions");
  const before = await rows.count(), here = await rows.filter({ hasText: "this one" }).count();
  await page.getByRole("button", { name: "End all others" }).click();
  await button(dialog(page), "End all others").click();
  await page.waitForFunction(() => document.querySelectorAll(".rows li").length === 1);
  await second.goto("/admin/tenants");
  await second.locator("[name=username]").waitFor();
  return before >= 2 && here === 1 ? true : { before, here };
});
await check("nothing was complained of", () => [...page.complaints, ...second.complaints]);
await second.context().close();

await check("a passkey is added, signs in by itself, and is taken back", async () => {
  const device = await page.context().newCDPSession(page); // a device with a lock, which is always opened
  await device.send("WebAuthn.enable");
  await device.send("WebAuthn.addVirtualAuthenticator", { options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
  const add = async () => {
    await button(page, "Add a passkey").click();
    await picture(page, "account-passkey");
    await button(dialog(page), "Add a passkey").click();
  };
  await add();
  await page.locator(".rows li", { hasText: "Remove" }).waitFor();
  await add(); // the same device has one already
  await dialog(page).getByText("This device has a passkey").waitFor();
  await button(dialog(page), "Cancel").click();
  await picture(page, "account-passkeys");
  await page.getByRole("button", { name: /^Signed in as/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  page.excused = /401/;
  await page.locator("[name=username]").waitFor();
  await picture(page, "sign-in");
  await button(page, "Sign in with a passkey").click();
  await inside(page);
  await page.goto("/admin/account");
  let refused = 0; // and in place of the password, where that is needed again
  await page.route("**/api/users/me/second-factor/codes", (route) =>
    (refused++ ? route.continue() : route.fulfill({ status: 403, contentType: "application/problem+json", body: JSON.stringify({ title: "Forbidden", status: 403, code: "password_needed", detail: "needs the password" }) })));
  page.excused = /401|403/;
  await button(page, "New recovery codes").click();
  await button(dialog(page), "New recovery codes").click();
  await button(dialog(page), "Use a passkey").click();
  await dialog(page).locator(".code-list li").first().waitFor();
  codes = await dialog(page).locator(".code-list code").allInnerTexts();
  await button(dialog(page), "I have kept them").click();
  await page.unroute("**/api/users/me/second-factor/codes");
  await page.getByRole("button", { name: /^Remove / }).click();
  await button(dialog(page), "Remove the passkey").click();
  await page.locator(".rows li", { hasText: "Remove" }).waitFor({ state: "detached" });
  const credentials = await page.evaluate(async () => (await (await fetch("/api/passkeys")).json()).data.length);
  return credentials === 0 ? axe(page) : { credentials }; // axe ends the virtual device, so it comes last
});
await check("an act that needs the password fresh asks for it, with the code, and is then done", async () => {
  let refused = 0;
  await page.route("**/api/users/me/second-factor/codes", (route) => // as sixteen minutes later
    (refused++ ? route.continue() : route.fulfill({ status: 403, contentType: "application/problem+json", body: JSON.stringify({ title: "Forbidden", status: 403, code: "password_needed", detail: "needs the password" }) })));
  page.excused = /403|422/;
  await button(page, "New recovery codes").click();
  await button(dialog(page), "New recovery codes").click();
  const asked = dialog(page).filter({ hasText: "Your password again" });
  await asked.waitFor();
  await picture(page, "fresh");
  await asked.locator("[name=password]").fill("not the password 1");
  await asked.getByRole("button", { name: "Use a recovery code" }).click();
  await asked.locator("[name=code]").fill(codes[1]);
  await button(asked, "Continue").click();
  await asked.locator("small.bad").waitFor();
  const found = await axe(page);
  await asked.locator("[name=password]").fill(facts.secret);
  await button(asked, "Continue").click();
  await dialog(page).locator(".code-list li").first().waitFor();
  await button(dialog(page), "I have kept them").click();
  return found;
});
await check("a new password: the two must be the same; then the old one is none", async () => {
  await button(page, "Change password").click();
  const fill = (name, text) => dialog(page).locator(`[name=${name}]`).fill(text);
  await fill("current_password", facts.secret);
  await fill("new_password", "another long one 8");
  await fill("repeat", "another long one 9");
  await button(dialog(page), "Change password").click();
  await dialog(page).getByText("The two new passwords differ.").waitFor();
  await fill("repeat", "another long one 8");
  await button(dialog(page), "Change password").click();
  await dialog(page).waitFor({ state: "detached" });
  await page.locator(".toast.good").first().waitFor();
});
await page.context().close();

await check("who must have a second factor and has none sets it up before anything else", async () => {
  const ops = await open(browser, { lang: "de" });
  await first(ops, "ops", facts.secret, "/admin/tenants");
  await ops.getByText("Ein zweiter Faktor ist nötig").first().waitFor();
  await ops.goto("/admin/tunnels");
  await ops.locator("img.qr").waitFor();
  await picture(ops, "enrol-needed");
  const found = await axe(ops);
  await ops.locator("summary").click();
  await give(ops, code(await ops.locator("details code").innerText()));
  await ops.locator(".code-list li").first().waitFor();
  await ops.locator(".codes .button.primary").click();
  await inside(ops);
  const where = new URL(ops.url()).pathname;
  await ops.context().close();
  return where === "/admin/tunnels" ? found : where;
});
await check("an admin takes the second factor of somebody away, by typing the name", async () => {
  const root = await open(browser);
  await first(root, "admin", facts.password, "/admin/users");
  await root.locator("summary").click();
  await give(root, code(await root.locator("details code").innerText()));
  await root.locator(".codes .button.primary").click();
  await root.locator("main table tbody tr", { hasText: "ops" }).locator("a, button").first().click();
  await button(dialog(root), "Take the second factor away").click();
  const asked = dialog(root).filter({ hasText: "Type ops to confirm" });
  await asked.locator("input").fill("ops");
  await button(asked, "Take the second factor away").click();
  await asked.waitFor({ state: "detached" });
  const state = await root.evaluate(async () => (await (await fetch("/api/users/ops/second-factor")).json()).state);
  await root.context().close();
  return state === "off" || state;
});
await browser.close();
end();
