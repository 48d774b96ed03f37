"""What a probe meets at the fake Cloudflare: tunnels that somebody else deleted."""


class CloudflareProbe:
    def origin_request(self, host, service):
        """How the rule that leads this host to this service says that it is asked."""
        for t in self.tunnels.values():
            for rule in (t["config"] or {}).get("ingress", []):
                if t["deleted_at"] is None and rule["service"] == service and (rule.get("hostname") or host) == host:
                    return rule.get("originRequest") or {}
        return {}

    def forget(self, ident):
        """As the dashboard's force delete: the tunnel is gone, its connections and all; its records stay."""
        t = self.tunnels[ident]
        t["connections"], t["deleted_at"] = {}, t["created_at"]
        self.ledger.effect("tunnel-deleted", ident, name=t["name"])
