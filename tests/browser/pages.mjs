// Every page of the admin in both themes, two widths and three languages: nothing serious for axe, no error in
// the console, nothing refused by the content policy, no page wider than its window, no text without a
// translation. Writes a picture of each.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { axe, check, end, facts, launch, open, settled, shot, signIn, tooWide } from "./part.mjs";

const { pages } = await import(join(facts.top, "web/base/pages.js"));
const areas = readdirSync(join(facts.top, "web/lang/en")).map((f) => f.replace(/\.js$/, ""));
const missing = new RegExp(`\\b(${areas.join("|")})\\.[a-z_]+(\\.[a-z_]+)*\\b`);
const paths = facts.paths || pages.filter((p) => !p.path.includes("{")).map((p) => p.path).concat(facts.more || []);
const browser = await launch();

async function visit(page, path) {
  await page.evaluate((to) => { history.pushState(null, "", to); dispatchEvent(new PopStateEvent("popstate")); }, path);
  await page.waitForFunction((to) => location.pathname === to.split("?")[0], path);
  await settled(page);
}
/** All that is said in words: what stands in code may look like the name of a text. */
const said = (page) => page.evaluate(() => {
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  let out = "";
  for (let n; (n = walker.nextNode());) if (!n.parentElement.closest("code,pre,kbd")) out += n.data + "\n";
  return out;
});
async function walk({ theme, width, lang, look }) {
  const page = await open(browser, { theme, width, height: width < 500 ? 780 : 900, lang, ignoreHTTPSErrors: true });
  await signIn(page);
  for (const path of paths)
    await check(`${path} ${lang} ${theme} ${width}`, async () => {
      page.complaints = [];
      await visit(page, path);
      const out = look ? await axe(page) : [];
      if (await tooWide(page)) out.push("wider than its window");
      const key = (await said(page)).match(missing);
      if (key && !/\.(conf|js|org|com|example|yml|sock)$/.test(key[0])) out.push(`no text for ${key[0]}`);
      if (await page.locator("main > .trouble").count()) out.push(await page.locator("main > .trouble").innerText());
      if (facts.shots && (lang === "en" || width > 500)) await shot(page, facts.shots, `${path.replace(/\W+/g, "_").slice(0, 40)}-${lang}-${theme}-${width}`);
      return [...out, ...page.complaints];
    });
  await page.context().close();
}
const walks = [];
for (const theme of ["light", "dark"]) for (const width of [1440, 360]) walks.push({ theme, width, lang: "en", look: true });
for (const lang of ["es", "de"]) for (const width of [1440, 360]) walks.push({ theme: "light", width, lang, look: false });
for (const w of walks.filter((w) => !facts.theme || w.theme === facts.theme)) await walk(w);
await browser.close();
end();
