// What the pages of tunnels, domains and ports share.
import { html, useEffect, useState } from "../base/h.js";
import { get } from "../base/api.js";
import { needTexts, t } from "../base/lang.js";

await needTexts("tunnels"); // wherever they are used

/** What kind of a tunnel it is. */
export const kindOf = (r) =>
  t(
    "tunnels.kind_" +
      (r.shared
        ? "shared"
        : r.carrier_id
          ? "carried"
          : r.tenant_id
            ? "tenant"
            : r.adopted
              ? "adopted"
              : "alone"),
  );

/** An input for a tenant, found while one types: its value is the tenant's number. */
export function TenantInput({ value, change, ...about }) {
  const [found, setFound] = useState([]);
  useEffect(() => {
    const stop = new AbortController();
    const wait = setTimeout(
      () =>
        get("/api/tenants", { q: value, limit: 10 }, stop.signal).then(
          (a) => setFound(a.data),
          () => {},
        ),
      150,
    );
    return () => {
      clearTimeout(wait);
      stop.abort();
    };
  }, [value]);
  return html`<input ...${about} list=${about.id + "-list"} value=${value ?? ""} onInput=${(e) => change(e.target.value)}/>
    <datalist id=${about.id + "-list"}>${found.map((f) => html`<option value=${f.number}>${f.name} ${f.subdomain}</option>`)}</datalist>`;
}
