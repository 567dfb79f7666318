import { expect, test } from "vitest";
import { createErrorSpread, parseFault } from "./fault.ts";

test("parseFault: each fault, all of them, none", () => {
  const none = { errorPercent: 0, latencyMs: 0, crashes: false };
  expect(parseFault("")).toEqual({ ok: true, value: none });
  expect(parseFault("errors=20%")).toEqual({ ok: true, value: { ...none, errorPercent: 20 } });
  expect(parseFault("latency=800ms, crash,errors=0.5%")).toEqual({
    ok: true,
    value: { errorPercent: 0.5, latencyMs: 800, crashes: true },
  });
});

test.each(["errors=20", "errors=101%", "latency=5", "latency=-1s", "latency=11m", "boom"])(
  "parseFault: refuses %s and quotes it",
  (text) => {
    const parsed = parseFault(text);
    expect(parsed.ok ? "" : parsed.error).toContain(`"${text}"`);
  },
);

test("createErrorSpread: the exact share, evenly", () => {
  const mustFail = createErrorSpread(20);
  const drawn = Array.from({ length: 1000 }, mustFail);
  expect(drawn.filter(Boolean)).toHaveLength(200);
  expect(drawn.slice(0, 10)).toEqual([false, false, false, false, true, false, false, false, false, true]);
  expect(Array.from({ length: 100 }, createErrorSpread(0)).some(Boolean)).toBe(false);
  expect(Array.from({ length: 100 }, createErrorSpread(100)).every(Boolean)).toBe(true);
});
