import { expect, test } from "vitest";
import { parseDemoOptions } from "./options.ts";

test("parseDemoOptions: defaults and the three faults", () => {
  expect(parseDemoOptions({})).toMatchObject({
    ok: true,
    value: { method: "sequential", intervalMs: 2000, requestsPerSecond: 200, fault: undefined },
  });
  expect(parseDemoOptions({ method: "threshold" })).toMatchObject({ ok: true, value: { requestsPerSecond: 100 } });
  for (const fault of ["errors=20%", "latency=800ms", "crash"]) {
    expect(parseDemoOptions({ fault })).toMatchObject({ ok: true, value: { fault: { setting: fault } } });
  }
});

test("parseDemoOptions: a load that changes has a smaller peak and longer steps", () => {
  for (const load of ["ramp", "spike", "diurnal"])
    expect(parseDemoOptions({ load })).toMatchObject({
      ok: true,
      value: { load, method: "threshold", intervalMs: 5000, requestsPerSecond: 50 },
    });
  expect(parseDemoOptions({ load: "ramp", rps: "30", interval: "3s" })).toMatchObject({
    ok: true,
    value: { intervalMs: 3000, requestsPerSecond: 30 },
  });
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
  [{ method: "guess" }, '--method: "guess" is unknown; write threshold or sequential'],
  [{ load: "storm" }, '--load: "storm" is unknown; write ramp, spike, diurnal'],
  [{ load: "ramp", rps: "100" }, '--rps: "100" is not a rate; write a number from 1 to 80'],
])("parseDemoOptions: refuses %j and says what to write", (change, text) => {
  expect(parseDemoOptions(change)).toMatchObject({
    ok: false,
    error: expect.stringContaining(text),
  });
});
