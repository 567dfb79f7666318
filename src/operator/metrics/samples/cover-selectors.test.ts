import { expect, test } from "vitest";
import { type CounterSelector, parseSelector } from "./counter-metric.ts";
import { coverSelectors, rangeQuery } from "./cover-selectors.ts";

/** `bad:` before a selector makes it one of failed requests. */
function covered(...texts: readonly string[]): string | undefined {
  const selectors = texts.map((text): CounterSelector => {
    const matchers = parseSelector(text.replace(/^bad:/, ""));
    if (!matchers.ok) throw new Error(matchers.error);
    return { arm: "canary", role: text.startsWith("bad:") ? "bad" : "requests", matchers: matchers.value };
  });
  const cover = coverSelectors(selectors);
  return cover === undefined ? undefined : rangeQuery(cover, 60_000);
}

test.each<[string, readonly string[], string | undefined]>([
  ["one is itself", ['x{a="1",b!="2"}'], 'x{a="1",b!="2"}[1m]'],
  ["values become alternatives", ['x{a="1",n="s"}', 'x{a="2",n="s"}'], 'x{a=~"1|2",n="s"}[1m]'],
  ["signs of patterns are none in values", ['x{a="1.5"}', 'x{a=~"2|3"}'], 'x{a=~"1\\\\.5|(?:2|3)"}[1m]'],
  ["names too", ['x{a="1"}', 'y{a="1"}'], '{__name__=~"x|y",a="1"}[1m]'],
  [
    "failed requests of the same counter need nothing of their own",
    ['x{a="1"}', 'bad:x{a="1",code=~"5.."}'],
    'x{a="1"}[1m]',
  ],
  ["all requests of one may not lose a condition", ['x{a="1"}', 'x{a="1",code=~"5.."}'], undefined],
  ["failed requests of another counter are asked for alone", ['x{a="1"}', 'bad:y{a="1",code=~"5.."}'], undefined],
  ["conditions that leave out may go", ['x{a="1",b!="2"}', 'x{a="1"}'], 'x{a="1"}[1m]'],
  ["nothing in common", ['x{a="1"}', 'y{b="1"}'], undefined],
  [
    "two conditions on one label stay, if all have them",
    ['x{a=~"1.*",a!="11"}', 'x{a=~"1.*",a!="11"}'],
    'x{a=~"1.*",a!="11"}[1m]',
  ],
  ["and are no alternatives", ['x{a=~"1.*",a=~".*2"}', 'x{a="3"}'], undefined],
])("coverSelectors: %s", (_, texts, expected) => {
  expect(covered(...texts)).toBe(expected);
});
