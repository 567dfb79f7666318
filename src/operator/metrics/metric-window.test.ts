import { expect, test } from "vitest";
import { parseWindow } from "./metric-window.ts";

test.each([
  ["30s", 30_000],
  ["1m30s", 90_000],
  ["1d", 86_400_000],
  ["1w2d3h", 788_400_000],
])("parseWindow: %s", (text, ms) => expect(parseWindow(text)).toEqual({ ok: true, value: ms }));

test.each(["", "0", "0s", "-1m", "soon", "1d soon", "1m])) or vector(0) #"])("parseWindow: refuses %j", (text) => {
  expect(parseWindow(text)).toEqual({ ok: false, error: expect.stringContaining("is no duration above zero") });
});
