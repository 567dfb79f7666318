import fc from "fast-check";
import { expect, test } from "vitest";
import { compileFormula } from "./compile-formula.ts";

/** What formulas mean. Source: expr-lang 1.17; keda-hpa-spec 10. */

const values = { a: 2, b: 3, c: 10, half: 2.5, zero: 0 };
const names = [...Object.keys(values), "gone"];

function result(text: string, given: Readonly<Record<string, number | undefined>> = values): number | undefined {
  const formula = compileFormula(text, names);
  if (!formula.ok) throw new Error(formula.error);
  const value = formula.value.evaluate(given);
  if (!value.ok) throw new Error(value.error);
  return value.value;
}

test.each<[string, number]>([
  ["a + b * c", 32],
  ["(a + b) * c", 50],
  ["c / 4", 2.5],
  ["7 % 4 + int(half) % 2", 3],
  ["-7 % 4", -3],
  ["2 ** 3 ** 2", 512],
  ["2 ^ 3", 8],
  ["-a ** 2", -4],
  ["(-a) ** 2", 4],
  ["2 ** -1", 0.5],
  ["-a ** 2 + 1", -3],
  ["- - a", 2],
  ["+a", 2],
  ["1e3 + .5", 1000.5],
  ["a > 1 ? b : c", 3],
  ["a > 1 && b > 5 ? 1 : 2", 2],
  ["a > 1 and not (b > 5) ? 1 : 2", 1],
  ["a > 5 || b > 1 and c > 1 ? 1 : 2", 1],
  ["!(a == 2) ? 1 : 2", 2],
  ["not (a == 2) or a != 2 ? 1 : 2", 2],
  ["a == 2 ? b == 3 ? 1 : 2 : 3", 1],
  ["a == 9 ? 1 : b == 3 ? 2 : 3", 2],
  ["1 < a < 3 ? 1 : 0", 1],
  ["1 < a < 3 < b ? 1 : 0", 0],
  ["a in [1, 2] ? 1 : 0", 1],
  ["a not in [1, 2] ? 1 : 0", 0],
  ["not (a in [1, 2,]) ? 1 : 0", 0],
  ["[a, b, c][1]", 3],
  ["[a, b, c][-1]", 10],
  ["min(a, b) + max(a, [b, [c]])", 12],
  ["sum([a, b])", 5],
  ["sum([a, b], # * 2)", 10],
  ["mean(a, b)", 2.5],
  ["mean([])", 0],
  ["median([c, a, b])", 3],
  ["median(a, b)", 2.5],
  ["abs(a - c)", 8],
  ["ceil(half) + floor(half)", 5],
  ["round(half)", 3],
  ["round(-half)", -3],
  ["round(0.49999999999999994)", 0],
  ["int(-half)", -2],
  ["int('7') + float(\"1.5\")", 8.5],
  ["len([a, b]) + len('né')", 4],
  ["count([a, b, c], {# > 2})", 2],
  ["count([a, b, c], # > 2)", 2],
  ["count([a > 2, b > 2])", 1],
  ["count([a,b,c],{#>1}) > 1 ? 5 : 0", 5],
  ["any([a, b], # == 3) && all([a, b], # > 1) && none([a], # > 2) && one([a, b], # > 2) ? 1 : 0", 1],
  ["sum(filter([a, b, c], {# >= 3}))", 13],
  ["sum(map([a, b], {# ** 2}))", 13],
  ["sum(map([1, 2], sum(map([10, 20], #)) + #))", 63],
  ["'abc' + 'd' contains 'cd' ? 1 : 0", 1],
  ["'abc' startsWith 'a' and 'abc' not endsWith 'b' ? 1 : 0", 1],
  ["'12'", 12],
  ["float(a)", 2],
])("compileFormula: %s is %d", (text, expected) => {
  expect(result(text)).toBe(expected);
});

test.each<[string, number | undefined]>([
  ["gone ?? 7", 7],
  ["gone ?? a ?? 7", 2],
  ["gone ?? nil", undefined],
  ["1 + gone ?? 2 + 3", 6],
  ["-gone ?? 4", -4],
  ["gone == nil ? a ?? 0 : 1", 2],
])("compileFormula: with a value that is missing, %s is %s", (text, expected) => {
  expect(result(text)).toBe(expected);
});

test.each<[string, string]>([
  ["", "it is empty"],
  ["  ", "it is empty"],
  ["a +", "Expected expression after +"],
  ["a b", 'Unexpected "b"'],
  ["a; b", 'Unexpected ";"'],
  ["a, b", "it must be one expression"],
  ["a,", 'unexpected "," at its end'],
  ["(a, b)", 'Expected ")"'],
  ["()", "something is missing in a Group"],
  ["max(a b)", 'Unexpected "b"'],
  ["[a,,b]", "an element is missing"],
  ["(a", 'Expected ")"'],
  ["a ? b", "Expected :"],
  ["1..3", "Unexpected period"],
  ["a | sum()", 'Unexpected "|"'],
  ["let x = 1; x", 'Unexpected "x"'],
  ["d + 1", 'unknown name "d"; names of triggers are a, b, c, half, zero, gone'],
  ["a > 100 ? d : 1", 'unknown name "d"'],
  ["this", 'unknown name "this"'],
  ["null ?? 1", 'unknown name "null"'],
  ["constructor", 'unknown name "constructor"'],
  ["toString()", 'unknown function "toString"'],
  ["avg(a)", 'unknown function "avg"; there are min, max'],
  ["a(1)", 'unknown function "a"'],
  ["[1][0](2)", "only functions can be called"],
  ["a.b", "values have no fields"],
  ["a?.b", "values have no fields"],
  ["abs(a, b)", "abs() takes 1 arguments, not 2"],
  ["filter([a])", "filter() takes 2 arguments, not 1"],
  ["count([a], 1, 2)", "count() takes 1 to 2 arguments, not 3"],
  ["min()", "min() takes at least 1 arguments, not 0"],
  ["#", "outside of a predicate"],
  ["{a}", "only enclose the predicate"],
  ["a % 2", "% takes whole numbers only"],
  ["[1, 2][a]", "indexed by whole numbers only"],
  ["[1, 2][5]", "a list of 2 has no element 5"],
  ["5 % 0", "% by zero"],
  ["a ?? b + 1", "?? and + may not be mixed"],
  ["a > 1", "float() needs a number, not false"],
  ["a + true", "+ needs a number, not true"],
  ["a == 'x' ? 1 : 0", "cannot be compared"],
  ["a ? 1 : 0", "the condition of ?: needs true or false"],
  ["a && b", "&& needs true or false"],
  ["nil", "float() needs a number, not nil"],
  ["[a]", "float() needs a number, not a list"],
  ["'x'", 'float() cannot read "x"'],
  ["sum(a)", "sum() needs a list, not a number"],
  ["count([a])", "a predicate needs true or false, not a number"],
])("compileFormula: refuses %j", (text, finding) => {
  const formula = compileFormula(text, names);
  expect(formula.ok ? "accepted" : formula.error).toContain(finding);
  expect(formula.ok ? "accepted" : formula.error).toMatch(/^Cannot use the formula "/);
});

test("compileFormula: a formula of a ScaledObject whose triggers have no names can use none", () => {
  const formula = compileFormula("a + 1", []);
  expect(formula.ok ? "accepted" : formula.error).toBe(
    'Cannot use the formula "a + 1": unknown name "a"; no trigger has a name',
  );
});

test("compileFormula: of many names a message lists the first ten", () => {
  const formula = compileFormula(
    "x",
    [...Array(12).keys()].map((i) => `t${i}`),
  );
  expect(formula.ok ? "accepted" : formula.error).toMatch(/names of triggers are t0, .*, t9, and 2 more$/);
});

test("compileFormula: what is too long, too deep or too slow is refused, not tried", () => {
  const error = (text: string) => {
    const formula = compileFormula(text, names);
    return formula.ok ? "accepted" : formula.error;
  };
  expect(error(`a + ${"1".repeat(5000)}`)).toContain("it has 5004 characters; the limit is 4096");
  expect(error("(".repeat(2000))).toContain("it has 2000 operators and brackets; the limit is 500");
  expect(error(`${"-".repeat(499)}a`)).toBe("accepted");
  expect(error(`${"(".repeat(499)}a${")".repeat(499)}`)).toBe("accepted");
  expect(error(`${"a > 1 ? 1 : ".repeat(249)}a`)).toBe("accepted");
  const list = `[${"1,".repeat(200)}1]`;
  expect(error(`sum(map(${list}, sum(map(${list}, sum(map(${list}, 1))))))`)).toContain("more than 100000 steps");
});

test("compileFormula: lists and texts that double with each predicate are refused, not made", () => {
  const doubled = (start: string, predicate: string) =>
    Array.from({ length: 60 }).reduce<string>((text) => `map(${text}, ${predicate})`, start);
  const error = (text: string) => {
    const formula = compileFormula(text, names);
    return formula.ok ? "accepted" : formula.error;
  };
  const list = doubled("[1]", "[#, #]");
  expect(error(`max(${list})`)).toContain("max() gets more than 10000 values");
  expect(error(`mean(${doubled("[[]]", "[#, #]")})`)).toContain("mean() gets more than 10000 values");
  expect(error(`${list} == ${list} ? 1 : 0`)).toContain("more than 100000 steps");
  expect(error(`1 in ${list} ? 1 : 0`)).toBe("accepted");
  expect(error(`len(${doubled("['a']", "# + #")}[0])`)).toContain("it makes a text of more than 10000 characters");
  expect(error(`float('${"x".repeat(3000)}')`)).toMatch(/float\(\) cannot read "x{40}…"$/);
});

test("evaluate: says why there is no number", () => {
  const formula = compileFormula("a / b", ["a", "b"]);
  if (!formula.ok) throw new Error(formula.error);
  const at = (a: number | undefined, b: number | undefined) => {
    const value = formula.value.evaluate({ a, b });
    return value.ok ? value.value : value.error;
  };
  expect(at(1, 4)).toBe(0.25);
  expect(at(1, 0)).toBe('Cannot compute the formula "a / b": the result is Infinity');
  expect(at(0, 0)).toBe('Cannot compute the formula "a / b": the result is NaN');
  expect(at(undefined, 1)).toBe('Cannot compute the formula "a / b": / needs a number, not nil');
});

/** An expression as text with brackets everywhere, and what it is worth. */
interface Sample {
  readonly text: string;
  readonly worth: number;
}

const leaf: fc.Arbitrary<Sample> = fc.oneof(
  fc.integer({ min: 0, max: 50 }).map((n) => ({ text: String(n), worth: n })),
  fc.constantFrom("a", "b", "c", "half").map((name) => ({ text: name, worth: values[name as "a"] })),
);

const sample: fc.Arbitrary<Sample> = fc.letrec<{ node: Sample }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 5, depthIdentifier: "formula" },
    leaf,
    fc.tuple(fc.constantFrom("+", "-", "*"), tie("node"), tie("node")).map(([operator, left, right]) => ({
      text: `(${left.text} ${operator} ${right.text})`,
      worth: of(operator, left.worth, right.worth),
    })),
    tie("node").map(({ text, worth }) => ({ text: `(-${text})`, worth: -worth })),
    fc
      .tuple(tie("node"), tie("node"))
      .map(([left, right]) => ({ text: `max(${left.text}, ${right.text})`, worth: Math.max(left.worth, right.worth) })),
    fc.tuple(tie("node"), tie("node"), tie("node")).map(([test_, yes, no]) => ({
      text: `(${test_.text} > 0 ? ${yes.text} : ${no.text})`,
      worth: test_.worth > 0 ? yes.worth : no.worth,
    })),
    fc.array(tie("node"), { minLength: 1, maxLength: 3 }).map((items) => ({
      text: `sum([${items.map(({ text }) => text).join(", ")}])`,
      worth: items.reduce((sum, { worth }) => sum + worth, 0),
    })),
  ),
})).node;

function of(operator: string, left: number, right: number): number {
  if (operator === "+") return left + right;
  return operator === "-" ? left - right : left * right;
}

test("compileFormula: random formulas are worth what the same computation in code is (seeded)", () => {
  fc.assert(
    fc.property(sample, ({ text, worth }) => {
      const formula = compileFormula(text, names);
      // Those beyond the bounds say so.
      if (!formula.ok) return expect(formula.error).toContain("the limit is");
      expect(formula.value.evaluate(values)).toEqual(
        Number.isFinite(worth) ? { ok: true, value: worth } : { ok: false, error: expect.anything() },
      );
    }),
    { seed: 20260801, numRuns: 500 },
  );
});

test("compileFormula: without brackets, chains of operators group as their binding says (seeded)", () => {
  const operators = { "+": 30, "-": 30, "*": 60, "**": 100 } as const;
  const operator = fc.constantFrom(...(Object.keys(operators) as (keyof typeof operators)[]));
  const operand = fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 4 }));
  fc.assert(
    fc.property(operand, fc.array(fc.tuple(operator, operand), { maxLength: 5 }), (first, rest) => {
      const shown = ([isNegative, n]: [boolean, number]) => `${isNegative ? "-" : ""}${n}`;
      const text = [shown(first), ...rest.flatMap(([sign, next]) => [sign, shown(next)])].join(" ");
      const worth = new Reference(text).value();
      if (Number.isFinite(worth)) expect(result(text)).toBe(worth);
      else expect(() => result(text)).toThrow(`the result is ${worth}`);
    }),
    { seed: 20260802, numRuns: 500 },
  );
});

/** Precedence climbing over one-character tokens, as the oracle. */
class Reference {
  readonly #tokens: string[];

  constructor(text: string) {
    this.#tokens = text.match(/\*\*|[-+*]|\d/g) ?? [];
  }

  value(): number {
    return this.#expression(0);
  }

  #expression(atLeast: number): number {
    let left = this.#primary();
    for (;;) {
      const sign = this.#tokens[0];
      const binding = { "+": 30, "-": 30, "*": 60, "**": 100 }[sign ?? ""];
      if (sign === undefined || binding === undefined || binding < atLeast) return left;
      this.#tokens.shift();
      const right = this.#expression(sign === "**" ? binding : binding + 1);
      left = sign === "**" ? left ** right : of(sign, left, right);
    }
  }

  #primary(): number {
    const token = this.#tokens.shift();
    return token === "-" ? -this.#expression(90) : Number(token);
  }
}

test("compileFormula: whatever the text is, it is accepted or refused in words (seeded)", () => {
  const piece = fc.constantFrom(
    ..."a b ( ) [ ] { } # , ; ? : ?? ?. . + - * / % ** ! not in and or < == 'x' \" nil 1 0.5 max( count( sum( this".split(
      " ",
    ),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.constantFrom("", " "), (pieces, space) => {
      const formula = compileFormula(pieces.join(space), names);
      if (formula.ok) expect(typeof formula.value.evaluate(values).ok).toBe("boolean");
      else expect(formula.error).not.toBe("");
    }),
    { seed: 20260803, numRuns: 3000 },
  );
});
