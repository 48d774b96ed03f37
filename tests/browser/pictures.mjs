// The pictures of the README: the dashboard in light, a tenant as it is made in dark.
import { facts, launch, open, settled, shot, signIn } from "./part.mjs";

const browser = await launch();
for (const [path, name, theme] of facts.pictures) {
  const page = await open(browser, { theme, width: 1280, height: 800 });
  await signIn(page);
  await page.goto(path);
  await settled(page);
  if (path === "/admin") await page.locator(".plot canvas").first().waitFor();
  if (path.includes("tab=health")) await page.locator(".plot canvas").first().waitFor();
  await page.mouse.move(0, 0);
  await shot(page, facts.folder, name);
  await page.context().close();
}
await browser.close();
