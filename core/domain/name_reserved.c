/*
 * Labels that no tenant may have: what mail programs, browsers, certificate authorities and people
 * take for the operator's own. Apart because it is a list, sorted, and grows by itself.
 */
#include "name_reserved.h"

#include <stdlib.h>
#include <string.h>

/* In the order of strcmp: it is searched by halves, and a test checks the order. */
/* clang-format off */
const char *const name_reserved[] = {
    "abuse", "access", "account", "accounts", "acme-challenge", "activate", "ad", "adfs", "admin",
    "admin1", "admin2", "administration", "administrator", "admins", "ads", "adsl", "affiliate",
    "affiliates", "agent", "ai", "alert", "alerts", "alias", "all", "amp", "analytics",
    "android", "announce", "announcements", "anonymous", "api", "api-docs", "api1", "api2", "app",
    "apple", "apps", "apt", "archive", "archives", "artifactory", "assets", "assistant", "atom",
    "audit", "auth", "auth0", "authentication", "authorize", "auto", "autoconfig", "autodiscover",
    "autologin", "avatar", "awards", "aws", "azure", "backend", "backup", "backups", "badge",
    "bank", "banner", "billing", "bills", "bin", "bitbucket", "blackhole", "blob", "blog",
    "blogs", "board", "book", "booking", "bot", "bots", "box", "boxes", "broadcast",
    "broadcasthost", "browser", "bug", "bugs", "build", "builder", "bulk", "business", "buy", "ca",
    "cache", "calendar", "callback", "campaign", "captcha", "captive", "careers", "cart", "catalog",
    "cdn", "cdn1", "cdn2", "cert", "certificate", "certificates", "certs", "cgi", "cgi-bin",
    "changelog", "channel", "chat", "check", "checkout", "chef", "ci", "citrix", "client",
    "clients", "cloud", "cloudflare", "cluster", "cms", "code", "collab", "com", "comment",
    "comments", "commerce", "community", "compare", "compliance", "config", "configuration",
    "confirm", "connect", "console", "consul", "contact", "contacts", "contrib", "control",
    "controlpanel", "cookie", "copyright", "corp", "corporate", "cpanel", "crash", "create", "crm",
    "cron", "css", "customer", "customers", "cyber", "dashboard", "data", "database", "databases",
    "datacenter", "db", "db1", "db2", "dbadmin", "debian", "debug", "default", "default-gateway",
    "delete", "demo-admin", "deploy", "deployment", "desktop", "dev", "devel", "developer",
    "developers", "development", "device", "devices", "devops", "dhcp", "diagnostics", "dir",
    "directory", "disk", "dist", "dmarc", "dns", "dns1", "dns2", "doc", "docker", "docs",
    "documentation", "domain", "domainkey", "domains", "download", "downloads", "draft", "edge",
    "edit", "edu", "elastic", "elasticsearch", "email", "emails", "embed", "employee", "employees",
    "enterprise", "env", "error", "errors", "etc", "event", "events", "example", "exchange", "exit",
    "explore", "export", "ext", "external", "extranet", "fallback", "faq", "faqs", "fax", "feed",
    "feedback", "feeds", "file", "files", "finance", "firewall", "forbidden", "forgot",
    "forgot-password", "forms", "forum", "forums", "ftp", "ftp1", "ftps", "gateway", "gdpr", "get",
    "ghost", "git", "github", "gitlab", "global", "google", "gov", "gpg", "grafana", "graph",
    "graphql", "group", "groups", "guest", "guide", "guides", "hack", "hacker", "hardware",
    "health", "healthcheck", "healthz", "help", "helpdesk", "helpline", "home", "honeypot", "host",
    "hosting", "hostmaster", "hosts", "hotspot", "hq", "hr", "html", "http", "httpd", "https",
    "hub", "icon", "icons", "id", "identity", "idp", "im", "image", "images", "imap", "imap4",
    "img", "impressum", "imprint", "inbound", "inbox", "index", "info", "infra", "infrastructure",
    "install", "installer", "int", "integration", "integrations", "intern", "internal", "internet",
    "intranet", "invite", "invites", "invoice", "invoices", "io", "ip", "ipsec", "ipv4", "ipv6",
    "irc", "isatap", "iso", "issue", "issues", "it", "jabber", "java", "javascript", "jenkins",
    "jira", "job", "jobs", "jobserver", "join", "jp", "js", "json", "jwks", "k8s", "keepalive",
    "kerberos", "kernel", "key", "keybase", "keys", "kibana", "kubernetes", "lab", "labs", "lan",
    "ldap", "ldaps", "legal", "license", "licenses", "linux", "list", "lists", "listserv", "live",
    "load", "loadbalancer", "local", "local-host", "localdomain", "localhost", "log", "logger",
    "logging", "login", "logo", "logon", "logout", "logs", "loopback", "lost", "lync", "mail",
    "mail1", "mail2", "mail3", "mailbox", "mailer", "mailer-daemon", "mailgate", "mailhost",
    "mailing", "mailman", "mails", "mailserver", "main", "maintenance", "manage", "management",
    "manager", "manual", "map", "maps", "marketing", "master", "mattermost", "mcp", "me", "media",
    "member", "members", "memcached", "message", "messages", "meta", "metrics", "microsoft",
    "migrate", "mirror", "mirrors", "mobile", "modem", "moderator", "money", "monitor",
    "monitoring", "mq", "msg", "mta", "mta-sts", "mx", "mx0", "mx1", "mx2", "mx3", "my", "mysql",
    "nagios", "name", "named", "nameserver", "nas", "net", "netstat", "network", "networks", "new",
    "news", "newsletter", "nextcloud", "nginx", "nic", "no-reply", "nobody", "noc", "node", "nodes",
    "none", "noreply", "notification", "notifications", "notifications-admin", "notify", "ns",
    "ns0", "ns1", "ns2", "ns3", "ns4", "ns5", "ns6", "ntp", "nuget", "null", "oauth", "oauth2",
    "observability", "odoo", "offer", "office", "official", "offline", "oidc", "old", "onboarding",
    "online", "open", "openid", "openvpn", "operator", "ops", "oracle", "order", "orders", "org",
    "origin", "outbound", "outlook", "overview", "owa", "owner", "pack", "packages", "page",
    "pages", "panel", "parent", "partner", "partners", "passkey", "password", "passwords", "patch",
    "path", "pay", "payment", "payments", "paypal", "pbx", "peer", "perl", "phishing", "phone",
    "php", "phpmyadmin", "ping", "pki", "platform", "play", "plesk", "plugin", "plugins", "podman",
    "policy", "pop", "pop3", "popular", "portal", "portal2", "portmap", "post", "postfix",
    "postgres", "postgresql", "postmaster", "preprod", "presence", "press", "preview", "pricing",
    "print", "printer", "privacy", "private", "prod", "product", "production", "products",
    "profile", "profiles", "project", "projects", "prometheus", "promo", "proxmox", "proxy",
    "proxy1", "pub", "public", "purchase", "push", "python", "qa", "queue", "rabbitmq", "radio",
    "radius", "random", "raw", "rdp", "readonly", "receipt", "redirect", "redis", "redmine", "ref",
    "referral", "refund", "refunds", "register", "registrar", "registration", "registry", "relay",
    "release", "releases", "remote", "remove", "render", "repo", "reports", "repos", "repository",
    "reset", "reset-password", "resolver", "rest", "resume", "return", "reverse", "review",
    "reviews", "robot", "robots", "root", "route", "router", "routers", "rpc", "rss", "rsync",
    "rules", "s3", "saas", "sale", "sales", "samba", "saml", "sandbox", "scan", "scanner", "schema",
    "script", "scripts", "sdk", "search", "secret", "secrets", "secure", "security", "sentry",
    "server", "server1", "server2", "servers", "service", "services", "session", "sessions", "sett",
    "setting", "settings", "settlement", "setup", "sftp", "shell", "sign",
    "signin", "signout", "signup", "sip", "site", "sitemap", "sites", "slack", "smtp", "smtp1",
    "smtp2", "snapshot", "soap", "software", "sonar", "spam", "spf", "sql", "src", "srv", "ssh",
    "ssl", "sso", "staff", "stage", "staging", "standard", "start", "stat", "static", "static1",
    "stats", "status", "storage", "store", "stream", "stripe", "stun", "subdomain", "subscribe",
    "subscription", "subscriptions", "super", "superuser", "support", "survey", "suspend", "svn",
    "swagger", "swarm", "switch", "sync", "sysadmin", "sysadmins", "syslog", "sysop", "system",
    "systems", "tag", "tags", "team", "teams", "tech", "telnet", "temp", "template", "templates",
    "tenant", "tenants", "terminal", "terms", "test", "test1", "test2", "tester", "testing",
    "tests", "tftp", "ticket", "tickets", "time", "tls", "tmp", "token", "tokens", "tool", "tools",
    "torrent", "trace", "tracker", "tracking", "traffic", "training", "transfer", "translate",
    "trash", "trial", "trust", "tunnel", "tunnels", "turn", "tv", "uat", "ubuntu", "undefined",
    "unifi", "unix", "unknown", "unsubscribe", "update", "updates", "upgrade", "upload", "uploads",
    "uptime", "url", "usenet", "user", "users", "util", "vault", "vcenter", "vendor", "verify",
    "version", "video", "vip", "virtual", "vm", "vmail", "vnc", "voice", "voip", "vpn", "vpn1",
    "vpn2", "vps", "wap", "watch", "web", "web1", "web2", "webadmin", "webapp", "webcache",
    "webconf", "webdav", "webdisk", "webhook", "webhooks", "webmail", "webmaster", "webmin",
    "webserver", "website", "websites", "websocket", "whm", "whois", "wiki", "windows", "wlan",
    "wordpress", "work", "worker", "workers", "workspace", "wpad", "ws", "wss", "wsus", "www",
    "www-data", "www1", "www2", "www3", "www4", "wwww", "xml", "xmlrpc", "xmpp", "xmpp-client",
    "xmpp-server", "you", "yum", "zabbix", "zone", "zones",
};
const size_t name_reserved_count = sizeof name_reserved / sizeof name_reserved[0];

static int compare(const void *label, const void *row)
{
    return strcmp(label, *(const char *const *)row);
}

bool name_is_reserved(const char *label)
{
    return bsearch(label, name_reserved, name_reserved_count, sizeof name_reserved[0], compare) !=
           NULL;
}
