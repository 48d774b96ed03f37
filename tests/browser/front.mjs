// Every page that customers see, in both themes, two widths and three languages: nothing serious for axe, no error in
// the console, nothing refused by the content policy, no page wider than its window, no text without a translation.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { axe, check, end, facts, launch, open, settled, shot, tooWide } from "./part.mjs";

const areas = readdirSync(join(facts.top, "web/lang/en")).map((f) => f.replace(/\.js$/, ""));
const missing = new RegExp(`\\b(${areas.join("|")})\\.[a-z_]+(\\.[a-z_]+)*\\b`);
const browser = await launch();
async function walk({ theme, width, lang, look }) {
  const page = await open(browser, { theme, width, height: width < 500 ? 780 : 900, lang });
  await page.context().addCookies([{ ...facts.cookie, url: facts.base }]);
  for (const [name, path] of Object.entries(facts.pages))
    await check(`${name} ${lang} ${theme} ${width}`, async () => {
      page.complaints = [];
      await page.goto("about:blank");
      await page.goto(path);
      await settled(page);
      const out = look ? await axe(page) : [];
      if (await tooWide(page)) out.push("wider than its window");
      const key = name === "docs" ? null : (await page.locator("body").innerText()).match(missing);
      if (key) out.push(`no text for ${key[0]}`);
      if (await page.locator("main > .trouble").count()) out.push(await page.locator("main > .trouble").innerText());
      if (facts.shots) await shot(page, facts.shots, `front-${name}-${lang}-${theme}-${width}`);
      return [...out, ...page.complaints];
    });
  await page.context().close();
}
for (const theme of ["light", "dark"]) for (const width of [1440, 360]) await walk({ theme, width, lang: "en", look: true });
for (const lang of ["es", "de"]) for (const width of [1440, 360]) await walk({ theme: "light", width, lang });
await browser.close();
end();
