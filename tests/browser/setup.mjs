// The first run: step by step, with a recovery key shown once and asked back; and the box that was lost, restored
// while the page is open.
import { check, end, facts, launch, open, settled, signIn } from "./part.mjs";
const browser = await launch();
const page = await open(browser);
const button = (p, name) => p.getByRole("button", { name, exact: true });
const dialog = () => page.locator("dialog[open]").last();
const row = (text) => page.locator("li").filter({ hasText: text });
const done = (text) => row(text).getByRole("img", { name: "done" }).waitFor();
let secret = "";

await check("a new box leads its admin to its setup, and says so until it is done", async () => {
  await signIn(page);
  await page.getByRole("heading", { name: "Set up this box" }).waitFor();
  await page.goto("/admin");
  await page.getByRole("link", { name: "Set it up" }).click();
  await page.getByRole("heading", { name: "Set up this box" }).waitFor();
});
if (facts.way === "new") {
  await check("the first password is changed", async () => {
    await page.locator("a[href$='way=new']").click();
    await row("Your own password").getByRole("button").click();
    await dialog().locator("[name=current_password]").fill(facts.password);
    await dialog().locator("[name=new_password]").fill("a long enough one 7");
    await button(dialog(), "Save").click();
    await done("Your own password");
  });
  await check("name and address are set", async () => {
    await row("Name and address").getByRole("button").click();
    await dialog().locator("[name='box.name']").fill("Harbour");
    const url = await dialog().locator("[name='box.url']").inputValue();
    await dialog().locator("[name='box.time_zone']").selectOption("Europe/Berlin");
    await button(dialog(), "Save").click();
    await done("Name and address");
    return url === facts.base || url;
  });
  await check("a recovery key is shown once, and used only when it is on paper", async () => {
    await row("Recovery key").getByRole("button").click();
    await dialog().locator("img.qr").waitFor();
    secret = (await dialog().locator("[data-once] code").allInnerTexts()).join("");
    const [file] = await Promise.all([page.waitForEvent("download"), button(dialog(), "Save the kit").click()]);
    const kit = (await (await file.createReadStream()).toArray()).join("");
    await button(dialog(), "I have it").click();
    const groups = secret.slice(secret.indexOf("1") + 1).match(/.{1,6}/g), fields = dialog().locator("[name^=group]");
    for (const i of [0, 1]) await fields.nth(i).fill("XXXXXX");
    await button(dialog(), "Use this key").click();
    await dialog().getByText("That is not it.").waitFor();
    for (const i of [0, 1]) await fields.nth(i).fill(groups[Number((await dialog().locator("label").nth(i).innerText()).match(/\d+/)[0]) - 1]);
    await button(dialog(), "Use this key").click();
    await done("Recovery key");
    return (kit.replaceAll(" ", "").includes(secret) && /signer [0-9a-f]{64}/.test(kit)) || kit;
  });
  await check("a vault is added and tried", async () => {
    await row("A vault for snapshots").getByRole("button").click();
    await dialog().locator("[name=name]").fill("local");
    await dialog().locator("[name=address]").fill(facts.vault);
    await button(dialog(), "Add a vault").click();
    await page.getByText("sett vault test local").waitFor();
    await page.keyboard.press("Escape");
    await done("A vault for snapshots");
  });
  await check("finished, it says so no more", async () => {
    await button(page, "Finish").click();
    await page.waitForURL(/\/admin$/);
    await settled(page);
    return (await page.getByText("has not been set up").count()) === 0;
  });
} else {
  await check("what lies in a vault is found", async () => {
    await page.locator("a[href$='way=restore']").click();
    await button(page, "Add a vault").click();
    await dialog().locator("[name=name]").fill("far");
    await dialog().locator("[name=address]").fill(facts.vault);
    await dialog().locator("footer, form").getByRole("button", { name: "Add a vault" }).click();
    await page.getByText("sett vault test far").waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("with those it builds on").waitFor();
  });
  await check("it is fetched, and opened by the kit, without a change", async () => {
    await page.getByRole("button", { name: "Fetch", exact: true }).first().click();
    await page.locator("[name=recovery]").waitFor();
    await page.locator("[name=recovery]").fill(facts.secret);
    await button(page, "Look inside").click();
    await page.locator(".trouble").getByText("does not know").waitFor();
    await page.getByLabel("My kit names this key").check();
    await button(page, "Look inside").click();
    await page.locator(".plan").getByText("Tenants").waitFor();
    return /\b1\b/.test(await page.locator(".plan").innerText());
  });
  await check("it is restored while the page looks on, and its users sign in", async () => {
    page.excused = /./; // nothing but the web server answers for a while
    const restore = button(page, "Restore the box");
    const before = await restore.isDisabled();
    await page.getByLabel("The old box is off and stays off").check();
    await restore.click();
    await page.getByText("The box is restored.").waitFor({ timeout: 90000 });
    await button(page, "To the sign-in").click();
    await signIn(page, { user: "ann", password: "a long enough one 7", again: true });
    await page.goto("/admin/tenants");
    await page.getByRole("link", { name: "Acme", exact: true }).waitFor();
    return before;
  });
}
await check("nothing was complained of", () => page.complaints);
await browser.close();
end();
