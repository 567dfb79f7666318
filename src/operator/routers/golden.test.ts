import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { routerOf } from "./index.ts";
import { contextOf, desiredOf, liveOf, objectsOf, type RouteCase } from "./rehearsal-context.ts";
import type { DesiredRoutes } from "./router.ts";

/** Recorded specs of each mode, reviewed by hand. Source: flagger-spec 4.1.4, the table; 4.2. */
interface Golden extends RouteCase {
  readonly mode: string;
  readonly pinned?: readonly number[];
  readonly desired: Partial<DesiredRoutes> & { readonly canaryWeight: number };
  readonly wanted: unknown;
}

function goldensOf(file: string): Golden[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, "golden", file), "utf8")) as Golden[];
}

const goldens = [
  ...goldensOf("istio.json").map((golden) => ({ provider: "istio", ...golden })),
  ...goldensOf("gateway-api.json").map((golden) => ({ provider: "gatewayapi:v1", ...golden })),
].map(({ pinned, ...golden }) => ({ ...golden, tag: pinned === undefined ? "" : ` (pinned ${pinned.join(", ")})` }));

test.each(goldens)("$provider: $mode$tag", ({ provider, desired: asked, wanted, ...golden }) => {
  const router = routerOf(provider)!;
  const context = contextOf(golden);
  const desired = desiredOf(asked.canaryWeight, asked);
  expect(router.problems(context, liveOf())).toEqual([]);
  expect(router.read(context, liveOf())).toEqual({ kind: "absent" });

  const objects = objectsOf(router.plan(context, desired, liveOf()));
  expect(objects.at(-1)?.spec).toEqual(wanted);

  const live = liveOf(...objects);
  expect(router.plan(context, desired, live)).toEqual([]);
  const { canaryWeight, isMirrored } = desired;
  expect(router.read(context, live)).toEqual({
    kind: "read",
    state: { primaryWeight: 100 - canaryWeight, canaryWeight, isMirrored },
  });
  const named = router.objects(context).map(({ resource, name }) => `${resource.kind}/${name}`);
  for (const { kind, metadata } of objects) expect(named).toContain(`${kind}/${metadata.name}`);
});

test.each([
  ["istio", "istio"],
  ["gatewayapi:v1", "gatewayapi:v1"],
  ["gatewayapi:v1beta1", "gatewayapi:v1"],
  ["kubernetes", "kubernetes"],
  ["nginx", "nginx"],
])("routerOf: %s", (provider, first) => {
  expect(routerOf(provider)?.providers[0]).toBe(first);
});

test("routerOf: a provider that nobody executes has none", () => {
  expect(routerOf("linkerd")).toBeUndefined();
});
