import { Failure } from "#base";
import { expect, test } from "vitest";
import { readFields, valueOf } from "./wire.ts";

function fieldsOf(...bytes: readonly number[]): unknown {
  return [...readFields(Uint8Array.from(bytes))].map(({ number, value }) => [
    number,
    typeof value === "number" ? value : [...value],
  ]);
}

const ONES = Array.from({ length: 9 }, () => 0xff);

test("readFields reads numbers, bytes and the fields after them", () => {
  expect(fieldsOf(0x08, 0x7f, 0x10, 0xac, 0x02, 0x1a, 0x02, 1, 2, 0x22, 0x00)).toEqual([
    [1, 127],
    [2, 300],
    [3, [1, 2]],
    [4, []],
  ]);
});

test("readFields reads a negative number from ten bytes", () => {
  expect(fieldsOf(0x08, ...ONES, 0x01)).toEqual([[1, -1]]);
});

test("readFields skips fixed-width fields", () => {
  expect(fieldsOf(0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x15, 1, 2, 3, 4, 0x18, 9)).toEqual([[3, 9]]);
});

test.each([
  ["a number of more than 64 bits", [0x08, ...ONES, 0x02], /longer than 64 bits/],
  ["a number of more than ten bytes", [0x08, ...ONES, 0x81, 0x00], /longer than 64 bits/],
  ["a number that breaks off", [0x08, 0x80], /breaks off/],
  ["a tag that breaks off", [0x88], /breaks off/],
  ["a missing number", [0x08], /breaks off/],
  ["a length beyond the bytes", [0x0a, 0x05, 1], /field 1 is longer/],
  ["a length of 2^63", [0x0a, ...Array.from({ length: 9 }, () => 0x80), 0x01], /field 1 is longer/],
  ["a length of 2^64 - 1", [0x0a, ...ONES, 0x01, 1, 2], /field 1 is longer/],
  ["a fixed-width field beyond the bytes", [0x09, 1, 2, 3], /breaks off/],
  ["the field number 0", [0x00, 0x01], /0 is no field number/],
  ["a field number above 2^29 - 1", [0x80, 0x80, 0x80, 0x80, 0x10, 0x01], /is no field number/],
  ["a negative tag", [...ONES, 0x01, 0x01], /is no field number/],
  ["a group", [0x0b, 0x0c], /unknown wire type 3/],
  ["the wire type 7", [0x0f], /unknown wire type 7/],
])("readFields refuses %s", (_, bytes, message) => {
  expect(() => fieldsOf(...bytes)).toThrow(message);
  expect(() => fieldsOf(...bytes)).toThrow(Failure);
});

test("valueOf returns the last of several fields, and reads on to the end", () => {
  expect(valueOf(Uint8Array.of(0x08, 1, 0x10, 2, 0x08, 3), 1)).toBe(3);
  expect(valueOf(Uint8Array.of(0x08, 1), 2)).toBeUndefined();
  expect(() => valueOf(Uint8Array.of(0x08, 1, 0x10), 1)).toThrow(/breaks off/);
});
