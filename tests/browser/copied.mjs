// A first password that is good for choosing another, and a box that finds itself on a machine it does not know.
import { check, end, facts, launch, open, settled } from "./part.mjs";
const browser = await launch();
const page = await open(browser);
const button = (p, name) => p.getByRole("button", { name, exact: true });

await check("who signs in with the first password chooses another, before anything else", async () => {
  await page.goto("/admin/tenants");
  await page.locator("[name=username]").fill("admin");
  await page.locator("[name=password]").fill(facts.password);
  await button(page, "Sign in").click();
  await page.getByRole("heading", { name: "Choose your own password" }).first().waitFor();
  await page.goto("/admin/tenants");
  await page.locator("[name=current_password]").fill(facts.password);
  await page.locator("[name=new_password]").fill(facts.chosen);
  await button(page, "Go on").click();
  await page.getByRole("heading", { name: "Tenants" }).first().waitFor();
});
await check("every page says that this machine is a copy, and leads to where to say what it is", async () => {
  await page.getByText("This machine is a copy of the one that the box lives on.").waitFor();
  await page.getByRole("link", { name: "Say it" }).click();
  await page.getByRole("heading", { name: "This machine is a copy" }).waitFor();
  await page.getByText("sett box identify second").first().waitFor();
  await page.goto("/admin");
  await page.getByRole("link", { name: "This machine is a copy: say what it is" }).click();
});
await check("it is told that it moved, by the word typed", async () => {
  await button(page, "The box moved here").click();
  const dialog = page.locator("dialog[open]").last();
  await dialog.locator("input").fill("moved");
  await button(dialog, "The box moved here").click();
  await page.getByRole("heading", { name: "This machine is a copy" }).waitFor({ state: "detached" });
  await settled(page);
});
await end(browser);
