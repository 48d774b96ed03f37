// The pages of the admin, a row each: web/pages/FILE.js shows `path`, its texts are web/lang/*/FILE.js.
// `group`: where it stands in the navigation (none: it is reached from another page); `key`: g and this key.
export const pages = [
  { name: "dashboard", file: "dashboard", path: "/admin", group: "sell", icon: "layout-dashboard", role: "viewer", key: "d" },
  { name: "tenants", file: "tenants", path: "/admin/tenants", group: "sell", icon: "boxes", role: "viewer", key: "t" },
  { name: "tenant", file: "tenant", path: "/admin/tenants/{id}", role: "viewer" },
  { name: "customers", file: "customers", path: "/admin/customers", group: "sell", icon: "users", role: "viewer", key: "c" },
  { name: "customer", file: "customers", path: "/admin/customers/{id}", role: "viewer" },
  { name: "plans", file: "plans", path: "/admin/plans", group: "sell", icon: "credit-card", role: "viewer" },
  { name: "tunnels", file: "tunnels", path: "/admin/tunnels", group: "ways", icon: "route", role: "viewer", key: "u" },
  { name: "tunnel", file: "tunnel", path: "/admin/tunnels/{id}", role: "viewer" },
  { name: "domains", file: "domains", path: "/admin/domains", group: "ways", icon: "globe", role: "viewer", key: "o" },
  { name: "domain", file: "domains", path: "/admin/domains/{id}", role: "viewer" },
  { name: "ports", file: "ports", path: "/admin/ports", group: "ways", icon: "ethernet-port", role: "viewer", key: "p" },
  { name: "jobs", file: "jobs", path: "/admin/jobs", group: "work", icon: "list-checks", role: "viewer", key: "j" },
  { name: "job", file: "jobs", path: "/admin/jobs/{id}", role: "viewer" },
  { name: "backups", file: "backups", path: "/admin/backups", group: "work", icon: "archive", role: "viewer", key: "b" },
  { name: "snapshot", file: "backups", path: "/admin/backups/{id}", role: "viewer" },
  { name: "drift", file: "drift", path: "/admin/drift", group: "work", icon: "git-compare", role: "viewer", key: "r" },
  { name: "alerts", file: "alerts", path: "/admin/alerts", group: "work", icon: "bell", role: "viewer", key: "a" },
  { name: "mails", file: "mails", path: "/admin/mails", group: "work", icon: "mail", role: "viewer", key: "m" },
  { name: "logs", file: "logs", path: "/admin/logs", group: "box", icon: "logs", role: "operator", key: "l" },
  { name: "audit", file: "audit", path: "/admin/audit", group: "box", icon: "scroll-text", role: "admin", key: "i" },
  { name: "system", file: "system", path: "/admin/system", group: "box", icon: "server", role: "viewer", key: "y" },
  { name: "users", file: "users", path: "/admin/users", group: "box", icon: "shield-check", role: "admin" },
  { name: "keys", file: "keys", path: "/admin/keys", group: "box", icon: "key-round", role: "admin" },
  { name: "settings", file: "settings", path: "/admin/settings", group: "box", icon: "settings", role: "admin", key: "s" },
  { name: "account", file: "account", path: "/admin/account", role: "customer" },
  { name: "setup", file: "setup", path: "/admin/setup", role: "admin" },
];

// Acts that the palette offers: where they are done, with a text of base or of a page that is loaded.
export const acts = [
  { label: "base.act.create_tenant", path: "/admin/tenants?new=1", icon: "plus", role: "operator" },
  { label: "base.act.create_tunnel", path: "/admin/tunnels?new=1", icon: "plus", role: "operator" },
  { label: "base.act.snapshot", path: "/admin/backups?run=1", icon: "archive", role: "operator" },
  { label: "base.act.invite", path: "/admin/users?new=1", icon: "user-plus", role: "admin" },
];
