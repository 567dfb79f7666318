import { expect, test } from "vitest";
import { parseGjsonPath, valueAt } from "./gjson-path.ts";

/** The example of GJSON's own documentation, with a few more keys. */
const document: unknown = {
  name: { first: "Tom", last: "Anderson" },
  age: 37,
  children: ["Sara", "Alex", "Jack"],
  "fav.movie": "Deer Hunter",
  "a|b": 1,
  "st*r": 2,
  friends: [
    { first: "Dale", last: "Murphy", age: 44, nets: ["ig", "fb", "tw"] },
    { first: "Roger", last: "Craig", age: 68, nets: ["fb", "tw"] },
    { first: "Jane", last: "Murphy", age: 47, nets: ["ig", "tw"] },
  ],
  vals: [1, 2, 3],
  ok: [
    { on: true, n: 1 },
    { on: false, n: 2 },
    { on: null, n: 3 },
  ],
};

function get(path: string): unknown {
  const parsed = parseGjsonPath(path);
  return parsed.ok ? valueAt(document, parsed.value) : `refused: ${parsed.error}`;
}

test.each<[string, unknown]>([
  ["name.last", "Anderson"],
  ["age", 37],
  ["children.1", "Alex"],
  ["children.#", 3],
  ["children.9", undefined],
  ["children.-1", undefined],
  ["name.first.x", undefined],
  ["constructor", undefined],
  ["fav\\.movie", "Deer Hunter"],
  ["a\\|b", 1],
  ["st\\*r", 2],
  ["child*.2", "Jack"],
  ["c?ildren.0", "Sara"],
  ["friends.#.first", ["Dale", "Roger", "Jane"]],
  ["friends.1.last", "Craig"],
  ["friends.#.nets.#", [3, 2, 2]],
  ["friends.#.nets|#", 3],
  ["friends|0|age", 44],
  ['friends.#(last=="Murphy").first', "Dale"],
  ['friends.#(last=="Murphy")#.first', ["Dale", "Jane"]],
  ['friends.#(last=="Murphy")#|#', 2],
  ['friends.#(last=="Murphy")#.#', []],
  ["friends.#(age>45)#.last", ["Craig", "Murphy"]],
  ["friends.#(age<=44).first", "Dale"],
  ["friends.#(age!=44).age", 68],
  ['friends.#(first%"D*").last', "Murphy"],
  ['friends.#(first!%"D*").last', "Craig"],
  ['friends.#(nets.#(=="fb"))#.first', ["Dale", "Roger"]],
  ["friends.#(last=Craig).age", 68],
  ["ok.#(on==true).n", 1],
  ["ok.#(on==null).n", 3],
  ["ok.#(on)#|#", 3],
  ["vals.#(>=2)", 2],
  ['friends.#(last=="Nobody").age', undefined],
  ['friends.#(last=="a)b.c").age', undefined],
])("valueAt: %s", (path, expected) => {
  const found = get(path);
  expect(found).toEqual(expected);
});

test.each([
  ["", "it has an empty part"],
  ["a..b", "it has an empty part"],
  ["name.@reverse", '"@reverse" builds or changes a value, which is not executed'],
  ["{name.first,age}", '"{name" builds or changes a value, which is not executed'],
  ['friends.#(last=="x"', 'the query "#(last=="x"" does not end with ")"'],
  ["friends.#()", "a query is empty"],
  ["ok.#(on==~true)", 'the query "on==~true" compares with "~", which is not executed'],
  ["x".repeat(1025), "it is longer than 1024 characters"],
  [`${"#(a.".repeat(9)}b${")".repeat(9)}`, "it has more than 8 queries inside each other"],
])("parseGjsonPath: refuses %s", (path, error) => {
  expect(parseGjsonPath(path)).toEqual({ ok: false, error });
});

test("valueAt: a hostile pattern takes time in the product of the lengths, not more", () => {
  const parsed = parseGjsonPath(`${"*a".repeat(200)}b`);
  // With time in a power of the number of stars this would take longer than the universe, and the test has a limit.
  expect(parsed.ok && valueAt({ ["a".repeat(5000)]: 1 }, parsed.value)).toBe(undefined);
});
