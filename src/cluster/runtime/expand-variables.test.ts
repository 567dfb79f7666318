import { expect, test } from "vitest";
import { expandVariables } from "./expand-variables.ts";

test("expandVariables: replaces known names, leaves unknown ones, and halves dollar signs", () => {
  const variables = new Map([
    ["A", "one"],
    ["B", "$(A)"],
  ]);
  expect(expandVariables("$(A)-$(B)-$(C)", variables)).toBe("one-$(A)-$(C)");
  expect(expandVariables("$$(A) $A $$$(A) 5$", variables)).toBe("$(A) $A $one 5$");
});
