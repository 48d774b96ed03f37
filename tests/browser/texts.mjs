// The languages hold the same texts, every text that is asked for is there, none is left over; and what all of
// web/ weighs. Needs no box and no browser.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { check, end, facts } from "./part.mjs";

const web = join(facts.top, "web"), langs = ["en", "es", "de"];
const files = (folder) => readdirSync(folder).flatMap((f) => (statSync(join(folder, f)).isDirectory() ? files(join(folder, f)) : [join(folder, f)]));
const all = files(web), sources = all.filter((f) => /\.(js|html)$/.test(f) && !/\/(vendor|lang)\//.test(f));
const code = sources.map((f) => readFileSync(f, "utf8").replace(/^\s*(\/\/|\/?\*).*$/gm, "")).join("\n");
const areas = readdirSync(join(web, "lang/en")).map((f) => f.replace(/\.js$/, ""));
const texts = {};
for (const l of langs) {
  texts[l] = {};
  for (const a of areas) {
    try { texts[l][a] = (await import(join(web, "lang", l, a + ".js"))).default; } catch (e) { texts[l][a] = { ["cannot be read: " + e.message]: "" }; }
  }
}
const names = (s) => JSON.stringify([...JSON.stringify(s).matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort());

for (const a of areas)
  await check(`the texts of ${a} are the same in ${langs.join(", ")}`, () => {
    const en = texts.en[a], out = [];
    for (const l of langs.slice(1)) {
      for (const k of Object.keys(en)) {
        if (!(k in texts[l][a])) out.push(`${l}: ${a}.${k} is missing`);
        else if (names(en[k]) !== names(texts[l][a][k]) && typeof en[k] === "string" && typeof texts[l][a][k] === "string") out.push(`${l}: ${a}.${k} has other {names}`);
        else if (texts[l][a][k] === "") out.push(`${l}: ${a}.${k} is empty`);
      }
      for (const k of Object.keys(texts[l][a])) if (!(k in en)) out.push(`${l}: ${a}.${k} is too much`);
    }
    return out;
  });

const has = (key) => { const i = key.indexOf("."); return texts.en[key.slice(0, i)]?.[key.slice(i + 1)] !== undefined; };
await check("every text that is asked for by name is there", () =>
  [...new Set([...code.matchAll(/\bt\(\s*"([\w-]+\.[\w.-]+)"\s*[,)]/g)].map((m) => m[1]))].filter((k) => !has(k)));
await check("no text is left over", () => {
  const whole = (k) => code.includes(`"${k}"`) || code.includes(`'${k}'`);
  const begun = (k) => [...k.matchAll(/[._-]/g)].some((m) => code.includes(`"${k.slice(0, m.index + 1)}"`) || code.includes("`" + k.slice(0, m.index + 1) + "$")) || code.includes(`"${k.slice(0, k.lastIndexOf("."))}"`);
  return areas.flatMap((a) => Object.keys(texts.en[a]).map((k) => `${a}.${k}`)).filter((k) => !whole(k) && !begun(k));
});

await check("each entry names beforehand all modules that its first page needs, so that they come at once", () => {
  const out = [];
  for (const entry of all.filter((f) => /\.html$/.test(f) && /type="module"/.test(readFileSync(f, "utf8")))) {
    const said = readFileSync(entry, "utf8"), needed = new Set();
    const walk = (path) => {
      if (needed.has(path)) return;
      needed.add(path);
      for (const m of readFileSync(join(web, path), "utf8").matchAll(/from ?"(\.[^"]+)"/g)) walk(join(path, "..", m[1]));
    };
    walk(said.match(/<script type="module" src="([^"]+)"/)[1]);
    const first = said.match(/<script type="module" src="([^"]+)"/)[1];
    for (const path of needed) if (path !== first && !said.includes(`modulepreload" href="${path}"`)) out.push(`${entry}: <link rel="modulepreload" href="${path}">`);
    for (const [, path] of said.matchAll(/modulepreload" href="([^"]+)"/g)) if (!needed.has(path)) out.push(`${entry}: ${path} is not needed`);
  }
  return out;
});
// What a browser fetches: the sum of the files, each compressed as a web server does it.
const heavy = (path) => gzipSync(readFileSync(join(web, path)), { level: 9 }).length;
const sum = (paths) => [...new Set(paths)].reduce((n, p) => n + heavy(p), 0);
function graph(path, out = new Set()) {
  if (out.has(path)) return out;
  out.add(path);
  for (const m of readFileSync(join(web, path), "utf8").matchAll(/(?:from ?|import\()"(\.[^"]+)"/g)) graph(join(path, "..", m[1]).replace(/^\//, ""), out);
  return out;
}
const shell = [...graph("admin/admin.js"), "admin/index.html", "theme.js", "style.css", "icons.svg", "lang/en/base.js"];
const pageOf = (name) => [...graph(`pages/${name}.js`), ...areas.includes(name) ? [`lang/en/${name}.js`] : []];
const first = sum([...shell, ...pageOf("dashboard"), "vendor/uplot.css"]);
const own = (name) => sum(pageOf(name).filter((p) => !shell.includes(p) && !p.startsWith("vendor/")));
const pagesOf = readdirSync(join(web, "pages")).map((f) => f.replace(/\.js$/, ""));
const served = all.filter((f) => !/VENDOR\.lock$|LICENSE/.test(f)).map((f) => f.slice(web.length + 1));
console.log(`# compressed: first page with charts ${first}, heaviest further page ${Math.max(...pagesOf.map(own))}, all in one language ${sum(served.filter((f) => !/^lang\/(es|de)\//.test(f)))}, all ${sum(served)} bytes`);
await check("the first page with all that it needs is below 100 KB compressed", () => first < 100_000 || first);
await check("a further page is below 30 KB compressed", () => pagesOf.filter((p) => own(p) > 30_000).map((p) => `${p}: ${own(p)}`));
end();
