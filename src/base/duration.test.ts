import fc from "fast-check";
import { expect, test } from "vitest";
import { formatAge, formatDuration, parseDuration } from "./duration.ts";

test.each([
  ["1m30s", 90_000],
  ["500ms", 500],
  ["-1.5h", -5_400_000],
  ["0", 0],
  ["1h2m3.5s", 3_723_500],
  [".5s", 500],
])("parseDuration: %s", (text, ms) => expect(parseDuration(text)).toEqual({ ok: true, value: ms }));

test.each(["", "10", "1d", "s", "1m30", "1 s"])("parseDuration: refuses %j and quotes it", (text) => {
  const result = parseDuration(text);
  expect(result).toMatchObject({ ok: false, error: expect.stringContaining(`"${text}"`) });
});

test("formatDuration: parses back to the same value", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 ** 9 }), (ms) => {
      expect(parseDuration(formatDuration(ms))).toEqual({ ok: true, value: ms });
    }),
  );
});

test.each([
  [5000, "5s"],
  [119_000, "119s"],
  [182_000, "3m2s"],
  [720_000, "12m"],
  [7_500_000, "125m"],
  [14_400_000, "4h"],
  [10 * 86_400_000, "10d"],
  [800 * 86_400_000, "2y70d"],
])("formatAge: %i ms is %s", (ms, text) => expect(formatAge(ms)).toBe(text));
