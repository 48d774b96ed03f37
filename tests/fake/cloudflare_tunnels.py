"""Tunnels that somebody else made in the same account, to be adopted."""
import base64
import os
import uuid

from cloudflare_common import now


class Tunnels:
    def foreign_tunnel(self, said):
        """Made by hand: {name, config, config_src}. Its id, secret and connector's token."""
        t = {"id": str(uuid.uuid4()), "name": said["name"], "config_src": said.get("config_src", "cloudflare"),
             "secret": base64.b64encode(os.urandom(32)).decode(), "version": 7 if said.get("config") else 0,
             "config": said.get("config"), "connections": {}, "created_at": now(), "deleted_at": None}
        self.tunnels[t["id"]] = t
        return {"id": t["id"], "secret": t["secret"], "token": self.tunnel_token(t)}
