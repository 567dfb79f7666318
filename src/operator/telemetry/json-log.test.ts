import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { createJsonLog } from "./json-log.ts";

function linesAt(level: string): Record<string, unknown>[] {
  const stream = new PassThrough();
  const log = createJsonLog(level, stream);
  log?.debug("d");
  log?.info("i", { canary: "web.shop" });
  log?.with({ part: "a" }).warn("w");
  log?.error("e");
  const written: unknown = stream.read();
  return (written instanceof Buffer ? written.toString() : "")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test.each([
  ["debug", ["d", "i", "w", "e"]],
  ["info", ["i", "w", "e"]],
  ["warning", ["w", "e"]],
  ["warn", ["w", "e"]],
  ["error", ["e"]],
])("createJsonLog: level %s writes %j", (level, messages) => {
  expect(linesAt(level).map(({ msg }) => msg)).toEqual(messages);
});

test("createJsonLog: one JSON object a line, with level, time and the Canary's name; an unknown level is none", () => {
  expect(linesAt("info")[0]).toMatchObject({ level: "info", msg: "i", canary: "web.shop", time: expect.any(String) });
  expect(linesAt("info")[1]).toMatchObject({ part: "a" });
  expect(createJsonLog("loud", new PassThrough())).toBeUndefined();
});
