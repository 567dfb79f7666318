import fc from "fast-check";
import { expect, test } from "vitest";
import { type CronWindow, isInside, isTimezone, scheduleFault } from "./cron-schedule.ts";

const berlin = "Europe/Berlin";
const inside = (window: CronWindow, time: string): boolean => isInside(window, Date.parse(time));

test("isInside: from the start to the end, in the time zone, the start included and the end not", () => {
  const office: CronWindow = { start: "0 8 * * *", end: "0 18 * * *", timezone: berlin };
  // Winter: UTC+1.
  expect(inside(office, "2026-01-15T06:59:59.999Z")).toBe(false);
  expect(inside(office, "2026-01-15T07:00:00Z")).toBe(true);
  expect(inside(office, "2026-01-15T16:59:59.999Z")).toBe(true);
  expect(inside(office, "2026-01-15T17:00:00Z")).toBe(false);
  // Summer: UTC+2.
  expect(inside(office, "2026-07-15T06:00:00Z")).toBe(true);
  expect(inside(office, "2026-07-15T16:00:00Z")).toBe(false);
});

test("isInside: a window over midnight, and one over a weekend by names", () => {
  const night: CronWindow = { start: "0 22 * * *", end: "0 6 * * *", timezone: "UTC" };
  expect(inside(night, "2026-03-01T23:30:00Z")).toBe(true);
  expect(inside(night, "2026-03-01T05:59:00Z")).toBe(true);
  expect(inside(night, "2026-03-01T12:00:00Z")).toBe(false);
  const weekend: CronWindow = { start: "0 0 * * SAT", end: "0 0 * * MON", timezone: "UTC" };
  expect(inside(weekend, "2026-03-07T00:00:00Z")).toBe(true);
  expect(inside(weekend, "2026-03-08T12:00:00Z")).toBe(true);
  expect(inside(weekend, "2026-03-09T00:00:00Z")).toBe(false);
});

test("isInside: a start that summer time skips opens the window at the end of the gap", () => {
  // On 2026-03-29 the clocks of Berlin go from 02:00 to 03:00, at 01:00 UTC.
  const window: CronWindow = { start: "30 2 * * *", end: "0 5 * * *", timezone: berlin };
  expect(inside(window, "2026-03-29T00:59:59Z")).toBe(false);
  expect(inside(window, "2026-03-29T01:00:00Z")).toBe(true);
  expect(inside(window, "2026-03-29T02:59:59Z")).toBe(true);
  expect(inside(window, "2026-03-29T03:00:00Z")).toBe(false);
});

test("isInside: a start that winter time repeats opens the window once, the first time", () => {
  // On 2026-10-25 the clocks of Berlin go from 03:00 to 02:00, at 01:00 UTC: 02:30 is at 00:30 and 01:30 UTC.
  const window: CronWindow = { start: "30 2 * * *", end: "0 5 * * *", timezone: berlin };
  expect(inside(window, "2026-10-25T00:29:59Z")).toBe(false);
  expect(inside(window, "2026-10-25T00:30:00Z")).toBe(true);
  expect(inside(window, "2026-10-25T01:10:00Z")).toBe(true);
  expect(inside(window, "2026-10-25T03:59:59Z")).toBe(true);
  expect(inside(window, "2026-10-25T04:00:00Z")).toBe(false);
});

test("isInside: steps, ranges and lists are as in KEDA's cron", () => {
  const window: CronWindow = { start: "0/20 8-9 1,15 JAN-MAR ?", end: "10/20 8-9 1,15 1-3 *", timezone: "UTC" };
  expect(inside(window, "2026-02-15T08:20:00Z")).toBe(true);
  expect(inside(window, "2026-02-15T08:30:00Z")).toBe(false);
  expect(inside(window, "2026-02-15T09:45:00Z")).toBe(true);
  // A day of the month and one of the week: either.
  const either: CronWindow = { start: "0 0 13 * 5", end: "0 12 13 * 5", timezone: "UTC" };
  expect(inside(either, "2026-02-06T06:00:00Z")).toBe(true);
  expect(inside(either, "2026-01-13T06:00:00Z")).toBe(true);
  expect(inside(either, "2026-01-14T06:00:00Z")).toBe(false);
});

test("isInside: a day's window by hour and minute is the same as comparing the time of day", () => {
  const minute = fc.integer({ min: 0, max: 1439 });
  fc.assert(
    fc.property(minute, minute, fc.integer({ min: 0, max: 86_399 }), (from, to, second) => {
      fc.pre(from !== to);
      const at = (minuteOfDay: number): string => `${minuteOfDay % 60} ${Math.floor(minuteOfDay / 60)} * * *`;
      const nowMs = Date.parse("2026-05-05T00:00:00Z") + second * 1000;
      const now = second / 60;
      const expected = from < to ? now >= from && now < to : now >= from || now < to;
      expect(isInside({ start: at(from), end: at(to), timezone: "UTC" }, nowMs)).toBe(expected);
    }),
    { numRuns: 200, seed: 7 },
  );
});

test.each([
  ["* * * *", "it has 4 fields, five are needed: minute, hour, day of the month, month, day of the week"],
  ["@daily", "it has 1 fields, five are needed: minute, hour, day of the month, month, day of the week"],
  ["60 * * * *", '"60" is no minute: write numbers from 0 to 59'],
  ["0 8-5 * * *", '"8-5" is no hour: write numbers from 0 to 23'],
  ["0 0 L * *", '"L" is no day of the month: write numbers from 1 to 31'],
  ["0 0 * FOO *", '"FOO" is no month: write numbers from 1 to 12'],
  ["0 0 * * 7", '"7" is no day of the week: write numbers from 0 to 6'],
  ["0 0 * * 1#2", '"1#2" is no day of the week'],
  ["*/0 * * * *", '"*/0" is no minute: write numbers from 0 to 59'],
  ["0 0 30 2 *", "such a time never comes"],
])("scheduleFault: %s", (expression, fault) => {
  expect(scheduleFault(expression, Date.parse("2026-01-01T00:00:00Z"))).toBe(fault);
});

test("isTimezone: names of the database, and no offsets", () => {
  expect(["UTC", berlin, "Asia/Kolkata", "+02:00", "Mars/Base", ""].map(isTimezone)).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
});
