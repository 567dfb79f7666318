import { expect, test } from "vitest";
import { parseTarget } from "./parse-target.ts";

test.each([
  ["/api/v1/pods", { group: "", version: "v1", plural: "pods" }],
  ["/api/v1/nodes/n", { group: "", version: "v1", plural: "nodes", name: "n" }],
  ["/api/v1/nodes/n/status", { group: "", version: "v1", plural: "nodes", name: "n", subresource: "status" }],
  ["/api/v1/namespaces/a/pods", { group: "", version: "v1", plural: "pods", namespace: "a" }],
  ["/api/v1/namespaces/a/pods/p", { group: "", version: "v1", plural: "pods", namespace: "a", name: "p" }],
  [
    "/api/v1/namespaces/a/pods/p/log",
    { group: "", version: "v1", plural: "pods", namespace: "a", name: "p", subresource: "log" },
  ],
  ["/api/v1/namespaces", { group: "", version: "v1", plural: "namespaces" }],
  ["/api/v1/namespaces/a", { group: "", version: "v1", plural: "namespaces", name: "a" }],
  ["/api/v1/namespaces/a/status", { group: "", version: "v1", plural: "namespaces", name: "a", subresource: "status" }],
  [
    "/api/v1/namespaces/a/finalize",
    { group: "", version: "v1", plural: "namespaces", name: "a", subresource: "finalize" },
  ],
  [
    "/apis/apps/v1/namespaces/a/deployments/d/scale",
    { group: "apps", version: "v1", plural: "deployments", namespace: "a", name: "d", subresource: "scale" },
  ],
  ["/apis/apps/v1/deployments", { group: "apps", version: "v1", plural: "deployments" }],
])("parseTarget: %s", (path, expected) => {
  expect(parseTarget(path)).toEqual({ type: "resource", ...expected });
});

test.each(["/", "/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/healthz", "/openapi/v3/api/v1"])(
  "parseTarget: %s is no resource",
  (path) => {
    expect(parseTarget(path)).toEqual({ type: "path", path });
  },
);
