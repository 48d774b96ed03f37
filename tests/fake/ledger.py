"""What really happened outside: an append-only list of effects, and the faults planned for calls.

A fault plan is a list of {"match": "POST /accounts/*/cfd_tunnel", "from": 1, "times": 1, "fault": NAME}.
`match` is a method and a glob over the path; the n-th call that matches (from `from`, `times` of them)
gets the fault.
"""
import fnmatch
import threading
import time

FAULTS = ("refuse", "drop", "lose", "400", "409", "429", "500", "stall", "garbage", "truncate", "wrong-id", "lag", "auth")


class Ledger:
    def __init__(self):
        self.lock = threading.RLock()
        self.effects = []
        self.calls = []
        self.plan = []

    def effect(self, what, ident, **more):
        with self.lock:
            self.effects.append(dict(what=what, id=ident, at=time.time(), **more))

    def faults_set(self, plan):
        for rule in plan:
            if rule["fault"] not in FAULTS:
                raise ValueError(f"unknown fault {rule['fault']}")
        with self.lock:
            self.plan = [dict(rule, seen=0) for rule in plan]

    def fault_for(self, method, path):
        with self.lock:
            self.calls.append(f"{method} {path}")
            for rule in self.plan:
                m, glob = rule["match"].split(" ", 1)
                if m in ("*", method) and fnmatch.fnmatchcase(path, glob):
                    rule["seen"] += 1
                    first = rule.get("from", 1)
                    if first <= rule["seen"] < first + rule.get("times", 1):
                        return rule["fault"]
        return None
