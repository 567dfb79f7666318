import { expect, test } from "vitest";
import { numberReader, type ValueFormat } from "./read-number.ts";

async function read(format: ValueFormat, location: string, text: string, type?: string): Promise<number | string> {
  const reader = await numberReader(format, location);
  if (!reader.ok) return `refused: ${reader.error}`;
  const value = reader.value(text, type);
  return value.ok ? value.value : value.error;
}

const must = (location: string, what: string): string =>
  `valueLocation "${location}" must lead to a number or a quantity such as "1k", there is ${what}`;
const json = `{"long":"${"x".repeat(81)}","components":[{"id":"82","tasks":32,"str":"64","k":"1k","wrong":"NaN","no":null,"on":true}],"count":2.43}`;

test.each<[string, number | string]>([
  ["components.0.tasks", 32],
  ["count", 2.43],
  ["components.0.str", 64],
  ["components.0.k", 1000],
  ['components.#(id=="82").tasks', 32],
  ["components.#", 1],
  ["components.0.wrong", must("components.0.wrong", 'the text "NaN"')],
  ["components.0.no", must("components.0.no", "null")],
  ["components.0.on", must("components.0.on", "true")],
  ["long", must("long", "a text of 81 characters")],
  ["components", must("components", "a list")],
  ["components.0", must("components.0", "an object")],
  ["missing", must("missing", "nothing")],
])("numberReader: json, %s", async (location, expected) => {
  expect(await read("json", location, json)).toBe(expected);
});

test("numberReader: a text that is no JSON, YAML or XML", async () => {
  expect(await read("json", "a", "<html>")).toBe("it cannot be read as json");
  expect(await read("json", "a", "[".repeat(100_000))).toBe("it cannot be read as json");
  expect(await read("yaml", "a", "a: [1")).toBe("it cannot be read as yaml");
  expect(await read("yaml", "a", "[".repeat(60_000))).toBe("it cannot be read as yaml");
  expect(await read("yaml", "a", "a".repeat(65_537))).toBe("the yaml is longer than 65536 characters");
  expect(await read("xml", "a", '{"a":1}')).toBe("it cannot be read as xml");
  expect(await read("xml", "a", "<a>".repeat(50_000))).toBe("it cannot be read as xml");
  expect(await read("xml", "a", `<a>${" ".repeat(256 * 1024)}</a>`)).toBe("the xml is longer than 262144 characters");
});

test("numberReader: yaml by keys and positions", async () => {
  const yaml = "components:\n- id: 82\n  tasks: 32\n  k: 1k\n1:\n  deep: 5.5\nshared: &s\n  n: 7\ncopy: *s\n";
  expect(await read("yaml", "components.0.tasks", yaml)).toBe(32);
  expect(await read("yaml", "components.0.k", yaml)).toBe(1000);
  expect(await read("yaml", "1.deep", yaml)).toBe(5.5);
  expect(await read("yaml", "copy.n", yaml)).toBe(7);
  expect(await read("yaml", "components.1.tasks", yaml)).toBe(must("components.1.tasks", "nothing"));
  // Ten lists of ten aliases each, nine levels deep, would be a billion members.
  const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(10)}]`);
  expect(await read("yaml", "l9", `l0: &l0 [x]\n${levels.join("\n")}\n`)).toBe("it cannot be read as yaml");
});

test("numberReader: xml by elements, positions and attributes", async () => {
  const xml = '<?xml version="1.0"?><stats count="3"><tasks> 32 </tasks><w>5</w><w>1k</w><!-- x --><e/></stats>';
  expect(await read("xml", "stats.tasks", xml)).toBe(32);
  expect(await read("xml", "stats.w.1", xml)).toBe(1000);
  expect(await read("xml", "stats.@count", xml)).toBe(3);
  expect(await read("xml", "stats.e", xml)).toBe(must("stats.e", 'the text ""'));
  expect(await read("xml", "tasks", xml)).toBe(must("tasks", "nothing"));
  const bomb = '<!DOCTYPE a [<!ENTITY b "1"><!ENTITY c "&b;&b;">]><a>&c;</a>';
  expect(await read("xml", "a", bomb)).toBe(must("a", 'the text "&c;"'));
});

test("numberReader: prometheus, the first sample with the labels", async () => {
  const text = '# TYPE jobs gauge\njobs{queue="a",zone="x"} 3\njobs{queue="b"} 4.5\njobs{queue="b",zone="y"} 9\nup 1';
  expect(await read("prometheus", 'jobs{queue="b"}', text)).toBe(4.5);
  expect(await read("prometheus", 'jobs{queue="b", zone="y"}', text)).toBe(9);
  expect(await read("prometheus", "jobs", text)).toBe(3);
  expect(await read("prometheus", "up", text.replaceAll("\n", "\r\n"))).toBe(1);
  expect(await read("prometheus", "down", text)).toBe("there is no sample down");
  expect(await read("prometheus", "up", "up 1\n# EOF\n", "application/openmetrics-text; version=1.0.0")).toBe(1);
  expect(await read("prometheus", "up", "not a sample")).toBe(
    'it cannot be read as prometheus: line 1 is not a sample: "not a sample"',
  );
  expect(await read("prometheus", 'jobs{queue!="b"}', text)).toContain("refused: cannot read the labels");
});
