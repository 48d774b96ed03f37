"""What a probe meets at the fake Cloudflare: tunnels that somebody else deleted."""


class CloudflareProbe:
    def forget(self, ident):
        """As the dashboard's force delete: the tunnel is gone, its connections and all; its records stay."""
        t = self.tunnels[ident]
        t["connections"], t["deleted_at"] = {}, t["created_at"]
        self.ledger.effect("tunnel-deleted", ident, name=t["name"])
