import { expect, test } from "vitest";
import {
  durationFlag,
  integerFlag,
  listFlag,
  numberFlag,
  type ParsedFlags,
  parseGoFlags,
  stringFlag,
  switchFlag,
} from "./go-flags.ts";

const set = {
  port: integerFlag(9898),
  rate: numberFlag(0),
  name: stringFlag("x"),
  timeout: durationFlag(1000),
  H: listFlag(),
  v: switchFlag(),
} as const;

function parse(...argv: string[]): ParsedFlags<typeof set> | string {
  const parsed = parseGoFlags(set, argv);
  return parsed.ok ? parsed.value : parsed.error;
}

test("parseGoFlags: one dash or two, with a blank or an equals sign, before and after arguments", () => {
  const parsed = parse("--port=1", "-name", "n=1", "url", "-H", "a", "--H=b", "-v", "-timeout", "2s", "-rate=0.5");
  expect(parsed).toMatchObject({
    values: { port: 1, name: "n=1", H: ["a", "b"], v: true, timeout: 2000, rate: 0.5 },
    rest: ["url"],
  });
});

test("parseGoFlags: defaults, a switch set to false, an empty value, and the end of flags", () => {
  expect(parse("-v=false", "--name=", "--", "-port")).toMatchObject({
    values: { port: 9898, name: "", v: false, timeout: 1000, H: [] },
    rest: ["-port"],
  });
});

test("parseGoFlags: says which flag is wrong and why", () => {
  expect(parse("--nope=1")).toBe('unknown flag "--nope=1"');
  expect(parse("--__proto__=1")).toBe('unknown flag "--__proto__=1"');
  expect(parse("--port")).toBe('flag "--port" needs a value');
  expect(parse("--port=1x")).toBe('invalid value "1x" for flag "-port": must be a whole number');
  expect(parse("-v=maybe")).toBe('invalid value "maybe" for flag "-v": must be true or false');
  expect(parse("-timeout=5")).toContain("write a number with a unit");
  expect(parse("-rate=-1")).toContain("must be a number that is not negative");
});
