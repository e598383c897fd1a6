# SPDX-License-Identifier: MIT
"""openapi.json against the server: the same routes, and answers of every route
that fit their schemas. The errors of a route are among those that it names.
"""

import json
import pathlib
import re
import subprocess

import jsonschema
import pytest
from generate_runs import write_model
from program_runs import program
from web_runs import WebServer

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE = ROOT / "code/web_interface/openapi.json"
DOC = json.loads(FILE.read_text(encoding="utf-8"))
METHODS = {"get", "post", "delete", "put", "patch", "head", "options"}


def operations():
    for path, item in DOC["paths"].items():
        for method in METHODS & set(item):
            yield path, method, item[method]


def parts(node):
    if isinstance(node, dict):
        yield node
        node = node.values()
    if not isinstance(node, str) and hasattr(node, "__iter__"):
        for child in node:
            yield from parts(child)


def resolve(node):
    while "$ref" in node:
        found = DOC
        for name in node["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        node = found
    return node


def test_the_routes_are_those_of_the_server():
    done = subprocess.run(
        [program("web_server"), "--routes"], capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stderr == ""
    routes = [line.split() for line in done.stdout.splitlines()]
    pages = [["GET", "/"], ["GET", "/app"]]  # they lead to the page
    assert [route for route in routes if route in pages] == pages
    described = sorted([m.upper(), path] for path, m, _ in operations())
    assert sorted(route for route in routes if route not in pages) == described


def test_it_is_well_formed():
    assert DOC["openapi"] == "3.1.0"
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names) > 20
    tags = {tag["name"] for tag in DOC["tags"]}
    for path, method, operation in operations():
        assert set(operation["tags"]) <= tags
        assert operation["summary"] and operation["responses"]
        assert ("requestBody" in operation) == (method == "post")
        shared = DOC["paths"][path].get("parameters", [])
        given = [resolve(p) for p in operation.get("parameters", []) + shared]
        in_path = {p["name"] for p in given if p["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", path))
        assert all(p.get("required") for p in given if p["in"] == "path")
    for part in parts(DOC):
        if isinstance(part.get("$ref"), str):
            assert resolve(part)
        if "schema" in part and isinstance(part["schema"], dict):
            schema = {**part["schema"], "components": DOC["components"]}
            jsonschema.Draft202012Validator.check_schema(schema)


def test_the_names_of_the_sampler_are_the_same_everywhere():
    schemas = DOC["components"]["schemas"]
    stages = DOC["paths"]["/api/runs/{run}/stages"]["get"]["parameters"]
    sampling = {p["name"] for p in stages} - {"pos", "top_k_shown"}
    for name in ("GenerateRequest", "CompletionRequest", "ChatRequest"):
        assert sampling < set(schemas[name]["properties"])


# --- answers -----------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("web")
    write_model(home / "models" / "random", context=128, marks=[])
    with WebServer(home, "--model", "random") as server:
        yield server


def validate(value, schema, components=DOC["components"]):
    schema = {**schema, "components": components}
    jsonschema.Draft202012Validator(schema).validate(value)


def strict(schema):
    """The same, but no object may have a field that is not described."""
    if isinstance(schema, dict):
        schema = {key: strict(value) for key, value in schema.items()}
        if "properties" in schema and "additionalProperties" not in schema:
            schema["additionalProperties"] = False
        return schema
    return [strict(s) for s in schema] if isinstance(schema, list) else schema


def check(path, method, answer):
    """The answer is one that the description knows; its JSON."""
    operation = DOC["paths"][path][method]
    assert str(answer.status) in operation["responses"], answer.body
    response = resolve(operation["responses"][str(answer.status)])
    if "content" not in response:
        assert answer.body == b""
        return None
    kind = answer.headers["content-type"].split(";")[0]
    schema = response["content"][kind]["schema"]
    for name in response.get("headers", {}):
        assert name in ("X-Scale",) or name.lower() in answer.headers, name
    if kind != "application/json":
        return answer.body
    validate(answer.json(), schema)
    return answer.json()


def test_answers(server):
    def get(path, **names):
        return check(
            path.split("?")[0], "get", server.get(path.format(**names))
        )

    def post(path, body):
        example = DOC["paths"][path]["post"]["requestBody"]["content"]
        validate(body, example["application/json"]["schema"])
        return check(path, "post", server.post(path, body))

    get("/api/health")
    get("/api/models")
    get("/v1/models")
    get("/api/training")
    get("/docs/index.json")
    get("/api/openapi.json")
    page = server.get("/docs/performance.md")
    check("/docs/{slug}.md", "get", page)
    post("/api/models/load", {"id": "random"})
    assert post("/api/tokenize", {"text": "The cat"})["tokens"]
    assert post("/api/cancel", {"id": "x"}) == {"cancelled": False}
    write = {"prompt": "The", "max_tokens": 3, "stream": False, "seed": 1}
    whole = post("/api/generate", {**write, "top_logprobs": 2})
    assert len(whole["tokens"]) == 3
    post("/v1/completions", {"prompt": "The", "max_tokens": 3, "logprobs": 2})
    run = post("/api/inspect", {"text": "The cat sat on the mat."})["run"]
    for path in DOC["paths"]:
        if path.startswith("/api/runs/{run}"):
            query = ""
            for p in DOC["paths"][path]["get"].get("parameters", []):
                if p.get("required"):
                    query += f"{'&' if query else '?'}{p['name']}=1"
            answer = server.get(path.format(run=run) + query)
            assert answer.status == 200, (path, answer.body)
            assert check(path, "get", answer)
    change = [{"type": "scale_head", "layer": 0, "head": 1, "by": 0}]
    other = post("/api/whatif", {"run": run, "interventions": change})["run"]
    gone = server.get(f"/api/runs/{other}", "DELETE")
    check("/api/runs/{run}", "delete", gone)
    assert gone.status == 204


@pytest.mark.parametrize(
    "path",
    [path for path, method, _ in operations() if method == "post"],
)
def test_examples_and_wrong_bodies(server, path):
    content = DOC["paths"][path]["post"]["requestBody"]["content"]
    content = content["application/json"]
    if "example" in content and path != "/v1/chat/completions":
        body = {**content["example"]}
        if "max_tokens" in body:
            body |= {"stream": False, "max_tokens": 2}
        if "id" in body:
            body["id"] = "random"
        answer = server.post(path, body)
        assert answer.status in (200, 201, 202), answer.body
        check(path, "post", answer)
    for body in (b"", b"{", b"[]", b"1", b'{"x": 1, "x": 1}', b'{"wrong": 1}'):
        answer = server.post(path, body)
        assert answer.status == 400, (body, answer.body)
        check(path, "post", answer)


def test_the_contract_is_complete(server):
    """No answer has a field that the description leaves out."""
    components = strict(DOC["components"])

    def fits(value, name):
        validate(value, components["schemas"][name], components)

    fits(server.get("/api/health").json(), "Health")
    fits(server.get("/nothing").json(), "Error")
    for model in server.get("/api/models").json()["data"]:
        fits(model, "Model")
    write = {"prompt": "The", "max_tokens": 3, "stream": False}
    write |= {"top_logprobs": 2, "capture": {"layer": 0}}
    answer = server.post("/api/generate", write).json()
    fits(answer, "Generation")
    assert all("attn" in token and "top" in token for token in answer["tokens"])
    fits(server.post("/api/inspect", {"text": "The cat"}).json(), "Run")
