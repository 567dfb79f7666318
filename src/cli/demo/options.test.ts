import { expect, test } from "vitest";
import { parseDemoOptions } from "./options.ts";

const defaults = { interval: "2s", rps: "100" };

test("parseDemoOptions: defaults and the three faults", () => {
  expect(parseDemoOptions(defaults)).toMatchObject({
    ok: true,
    value: { intervalMs: 2000, requestsPerSecond: 100, fault: undefined },
  });
  for (const fault of ["errors=20%", "latency=800ms", "crash"]) {
    expect(parseDemoOptions({ ...defaults, fault })).toMatchObject({ ok: true, value: { fault: { setting: fault } } });
  }
});

test.each([
  [{ fault: "errors=20" }, '"errors=20"'],
  [{ fault: "errors=200%" }, '"errors=200%"'],
  [{ fault: "latency=8" }, '"latency=8"'],
  [{ fault: "fire" }, '"fire" is unknown; write errors=20%'],
  [{ interval: "2" }, '--interval: invalid duration "2"'],
  [{ interval: "10ms" }, "write 1s or more"],
  [{ rps: "lots" }, '--rps: "lots"'],
  [{ rps: "0" }, '--rps: "0"'],
])("parseDemoOptions: refuses %j and says what to write", (change, text) => {
  expect(parseDemoOptions({ ...defaults, ...change })).toMatchObject({
    ok: false,
    error: expect.stringContaining(text),
  });
});
