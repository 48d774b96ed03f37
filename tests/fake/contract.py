"""A provider's own API description (OpenAPI 3.0) as a judge of every exchange with its fake.

Both sides are checked: what we send (path, query, body) and what the fake answers. A breach is
recorded, with the exchange, and the tests fail on any.
"""
import json
import re
import urllib.parse

import jsonschema


def nullable(node):
    """OpenAPI 3.0 says nullable where JSON Schema has a type "null"."""
    if isinstance(node, list):
        return [nullable(n) for n in node]
    if not isinstance(node, dict):
        return node
    out = {k: nullable(v) for k, v in node.items() if k not in ("nullable", "example", "discriminator", "examples")}
    if node.get("nullable") is True:
        if "enum" in out and None not in out["enum"]:
            out["enum"] = out["enum"] + [None]
        if isinstance(out.get("type"), str) and not {"allOf", "anyOf", "oneOf"} & out.keys():
            out["type"] = [out["type"], "null"]
        else:
            out = {"anyOf": [out, {"type": "null"}]}
    return out


class Contract:
    def __init__(self, path, prefix=""):
        with open(path, encoding="utf-8") as f:
            self.doc = nullable(json.load(f))
        self.prefix = prefix
        self.resolver = jsonschema.RefResolver("", self.doc)
        self.breaches = []
        self.validators = {}
        self.operations = []
        for template, methods in self.doc["paths"].items():
            pattern = re.compile("^" + re.sub(r"\\\{[^/]+?\\\}", "([^/]+)", re.escape(template)) + "$")
            for method, operation in methods.items():
                if method in ("get", "post", "put", "patch", "delete"):
                    params = methods.get("parameters", []) + operation.get("parameters", [])
                    self.operations.append((method.upper(), pattern, template, operation,
                                            [self.deref(p) for p in params]))
        # A literal segment is meant before a placeholder.
        self.operations.sort(key=lambda o: o[2].count("{"))

    def deref(self, node):
        while isinstance(node, dict) and "$ref" in node:
            _, node = self.resolver.resolve(node["$ref"])
        return node

    def find(self, method, path):
        for m, pattern, template, operation, params in self.operations:
            if m == method and pattern.match(path):
                return template, operation, params
        return None, None, None

    def breach(self, where, what):
        self.breaches.append(f"{where}: {what}")

    def judge(self, where, schema, value):
        key = id(schema)
        if key not in self.validators:
            self.validators[key] = (jsonschema.Draft4Validator(schema, resolver=self.resolver), schema)
        error = next(iter(self.validators[key][0].iter_errors(value)), None)
        if error is not None:
            at = "/".join(str(p) for p in error.absolute_path)
            self.breach(where, f"{at}: {error.message[:300]}")

    def request(self, method, target, content_type, body):
        """Judge a request; the operation for answer(), or None when the API has no such thing."""
        path, _, query = target.partition("?")
        path = path[len(self.prefix):]
        where = f"{method} {path}"
        template, operation, params = self.find(method, path)
        if operation is None:
            self.breach(where, "no such operation in the API description")
            return None
        given = urllib.parse.parse_qs(query, keep_blank_values=True)
        known = {p["name"]: p for p in params if p["in"] == "query"}
        for name, values in given.items():
            plain = re.sub(r"\[.*$", "", name)
            if name not in known and plain not in known and plain + "[]" not in known:
                self.breach(where, f"unknown query parameter {name}")
                continue
            schema = self.deref(known.get(name, known.get(plain, {})).get("schema", {}))
            if schema.get("type") in ("integer", "number"):
                if not re.fullmatch(r"-?\d+", values[0]):
                    self.breach(where, f"query {name}={values[0]} is not a number")
                else:
                    self.judge(f"{where} query {name}", schema, int(values[0]))
            elif schema.get("type") == "boolean" and values[0] not in ("true", "false"):
                self.breach(where, f"query {name}={values[0]} is not a boolean")
        for name, p in known.items():
            if p.get("required") and name not in given:
                self.breach(where, f"query parameter {name} is missing")
        self.body(where, self.deref(operation.get("requestBody")), content_type, body)
        return where, operation

    def body(self, where, described, content_type, body):
        if described is None:
            if body:
                self.breach(where, "a body, where the API takes none")
            return
        if not body:
            if described.get("required"):
                self.breach(where, "the body is missing")
            return
        kind = content_type.split(";")[0].strip().lower()
        content = described["content"].get(kind)
        if content is None:
            self.breach(where, f"content type {kind or 'none'}, the API wants {list(described['content'])}")
            return
        if kind == "application/json":
            try:
                self.judge(where + " body", content["schema"], json.loads(body))
            except ValueError as e:
                self.breach(where, f"the body is not JSON: {e}")
        else:
            self.form(where + " body", self.deref(content["schema"]), body.decode())

    def form(self, where, schema, text):
        """Stripe's flat form: each bracketed name is a property of the description."""
        properties = schema.get("properties", {})
        for name, value in urllib.parse.parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text)):
            described = properties.get(name) or properties.get(re.sub(r"\[\d*\]", "[0]", name))
            if described is None and not re.match(r"^(\w+\[)*metadata\]?\[[^\]]+\]$", name) \
                    and not re.search(r"metadata\]?\[", name):
                self.breach(where, f"unknown form parameter {name}")
            elif described is not None:
                described = self.deref(described)
                choices = described.get("enum")
                if choices and value not in [str(c) for c in choices if c is not None]:
                    self.breach(where, f"{name}={value} is none of {choices[:8]}")
        for name in schema.get("required", []):
            if name not in dict(urllib.parse.parse_qsl(text)) and "[" not in name:
                self.breach(where, f"form parameter {name} is missing")

    def answer(self, found, status, payload):
        if found is None:
            return
        where, operation = found
        response = self.deref(operation["responses"].get(str(status)))
        if response is None:
            self.breach(where, f"the fake answers {status}, which the API description does not know")
            return
        content = response.get("content", {}).get("application/json")
        if content is not None:
            self.judge(f"{where} -> {status}", content["schema"], payload)
