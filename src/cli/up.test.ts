import { expect, test } from "vitest";
import { parseUpOptions } from "./up.ts";

const defaults = { dataDir: ".serin", gatewayPort: "8080", apiPort: "6443", minInterval: "10s", scrapeInterval: "5s" };

test("parseUpOptions: defaults and images", () => {
  expect(parseUpOptions({ ...defaults, image: ["web=python3 -m http.server"] })).toMatchObject({
    ok: true,
    value: { gatewayPort: 8080, apiPort: 6443, minIntervalMs: 10_000, images: { web: "python3 -m http.server" } },
  });
});

test("parseUpOptions: an image named like a part of every object is an image like others", () => {
  const parsed = parseUpOptions({ ...defaults, image: ["__proto__=true"] });
  expect(parsed.ok && Object.entries(parsed.value.images)).toEqual([["__proto__", "true"]]);
});

test.each([
  [{ gatewayPort: "x" }, '--gateway-port: "x" is no port'],
  [{ apiPort: "70000" }, '--api-port: "70000" is no port'],
  [{ minInterval: "5" }, '--min-interval: invalid duration "5"'],
  [{ scrapeInterval: "1ms" }, '--scrape-interval: "1ms" is too short'],
  [{ image: ["web"] }, '--image: "web" names no command'],
  [{ dataDir: "" }, "--data-dir"],
])("parseUpOptions: refuses %j and names the flag", (change, text) => {
  expect(parseUpOptions({ ...defaults, ...change })).toMatchObject({ ok: false, error: expect.stringContaining(text) });
});
