"""A box that puts tenants on the fake Proxmox VE: its settings, its blueprints, and what tests ask."""
import os

BLUEPRINT = """[blueprint]
title = A site on Proxmox
runtime = proxmox
image = {image}
inner_port = 8080
health_path = /health
health_timeout_s = {health_s}

[limits]
memory = 256M
storage = 3G
cpu_millis = 1500

[variables]
TENANT_NAME = A tenant
"""


def setup(box, world, addresses="127.5.0.10-127.5.0.60/8"):
    """Everything but the certificate, which is known by outside.ca_file already."""
    for name, value in (("proxmox.url", world.url), ("proxmox.token_id", world.facts["pve_token_id"]),
                        ("proxmox.vmids", "5000-5999"), ("proxmox.addresses", addresses)):
        box.sett("setting", "set", name, value)
    box.secret("proxmox.token", world.facts["pve_token"])
    blueprint(box, "pve")
    box.sett("plan", "create", "--name", "pve", "--title", "Far", "--blueprint", "pve", "--currency", "eur", "--offered")


def blueprint(box, name, image="local:vztmpl/site_1_amd64.tar.zst", health_s=20):
    with open(os.path.join(box.root, f"etc/sett/blueprints/{name}.conf"), "w", encoding="utf-8") as f:
        f.write(BLUEPRINT.format(image=image, health_s=health_s))


def ours(world):
    """Our containers on the cluster, by number."""
    return {int(v): g for v, g in world.call("pve").items() if "sett " in g["config"].get("description", "")}
