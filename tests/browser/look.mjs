// Pictures of pages, for people to look at: light and dark, wide and narrow.
// usage: node look.mjs '{"base": "http://localhost:4443", "password": "…"}' FOLDER PATH… [--lang=de]
import { facts, launch, open, settled, shot, signIn, tooWide } from "./part.mjs";
const [folder, ...rest] = process.argv.slice(3);
const lang = rest.find((a) => a.startsWith("--lang="))?.slice(7) || "en", paths = rest.filter((a) => !a.startsWith("--"));
const browser = await launch();
for (const theme of ["light", "dark"])
  for (const width of [1440, 360]) {
    const page = await open(browser, { width, height: width < 500 ? 780 : 900, theme, lang });
    if (facts.password) await signIn(page, { user: facts.user || "admin" });
    for (const path of paths) {
      await page.goto(path);
      await settled(page);
      await page.waitForTimeout(600); // only here: for charts and what fades
      await shot(page, folder, `${path.replace(/\W+/g, "_").slice(0, 40)}-${theme}-${width}`);
      if (await tooWide(page)) console.log(`${path} is wider than ${width}`);
    }
    for (const c of page.complaints) console.log(c);
    await page.context().close();
  }
await browser.close();
