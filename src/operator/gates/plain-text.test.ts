import { expect, test } from "vitest";
import { plainText } from "./plain-text.ts";
import { retryAfterMs } from "./retry-after.ts";

test.each([
  ["a\r\n\tb", "a b"],
  ["\u001b[1;31mred\u001b[0m", "red"],
  ["a\u0000\u0007b", "a b"],
  ["\u202egnp.exe", "gnp.exe"],
  ["  ", ""],
  ["12345678901", "123456789…"],
  ["😀".repeat(11), `${"😀".repeat(9)}…`],
])("plainText: %j becomes %j", (text, line) => {
  expect(plainText(text, 10)).toBe(line);
});

test.each([
  ["3", 3000],
  ["0", undefined],
  ["Thu, 01 Jan 1970 00:01:40 GMT", 90_000],
  ["Thu, 01 Jan 1970 00:00:01 GMT", undefined],
  ["soon", undefined],
  [undefined, undefined],
])("retryAfterMs: %j is %s ms from ten seconds after the epoch", (header, expected) => {
  expect(retryAfterMs(header, 10_000)).toBe(expected);
});
