import { expect, test } from "vitest";
import { decodeYaml } from "./decode-document.ts";
import { yamlDepthBound } from "./yaml-depth.ts";

const NESTINGS: readonly [name: string, text: string][] = [
  ["flow lists", "[".repeat(100_000)],
  ["flow maps", `${"{a: ".repeat(5_000)}`],
  ["flow over lines", "[\n".repeat(5_000)],
  ["lists in one line", `${"- ".repeat(5_000)}a`],
  ["complex keys", `${"? ".repeat(5_000)}a`],
  ["indentation", Array.from({ length: 3_000 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n")],
];

test.each(NESTINGS)("decodeYaml: refuses deep nesting before it is parsed: %s", (_, text) => {
  expect(yamlDepthBound(text)).toBeGreaterThan(200);
  expect(() => decodeYaml(text)).toThrow("nested deeper than 200 levels");
});

test("decodeYaml: reads a manifest, with scripts and JSON in its texts", () => {
  const text = [
    "metadata: {name: a, labels: {x: yes}}",
    "created: 2026-01-01",
    "data:",
    "  script: |",
    "    if true; then",
    "        echo '[{'",
    "    fi",
    "list:",
    "- - 1",
    "  - 0x10",
  ].join("\n");
  expect(yamlDepthBound(text)).toBeLessThan(20);
  expect(decodeYaml(text)).toEqual({
    metadata: { name: "a", labels: { x: true } },
    created: "2026-01-01",
    data: { script: "if true; then\n    echo '[{'\nfi\n" },
    list: [[1, 16]],
  });
});

test("decodeYaml: a text that is JSON is read as JSON", () => {
  expect(decodeYaml('{"a": "2026-01-01", "b": [1]}')).toEqual({ a: "2026-01-01", b: [1] });
});
