import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderTemplate, type TemplateValues } from "./template.ts";

const values: TemplateValues = {
  name: "web",
  namespace: "shop",
  target: "web-app",
  service: "web-svc",
  ingress: "web",
  route: "web",
  interval: "1m",
  variables: { dc: "east", empty: "" },
};

const render = (source: string): string => {
  const result = renderTemplate(source, values);
  return result.ok ? result.value : `error: ${result.error}`;
};

describe("renderTemplate: values and text", () => {
  test.each([
    ["plain (pinned 50)", "plain", "plain"],
    ["values", "{{ namespace }}/{{target}}/{{ service }}[{{ interval }}]", "shop/web-app/web-svc[1m]"],
    ["variables (pinned 50)", "{{ variables.dc }}", "east"],
    ["a key by index", '{{ index variables "dc" }}', "east"],
    ["a missing key by index is empty, as in Go", '[{{ index variables "no" }}]', "[]"],
    ["comment and trim markers", "a {{- /* why }} */ -}} b", "ab"],
    ["trim markers", "a \n{{- name -}}\t b", "awebb"],
    ["a minus without blank is no trim marker", "a {{-3}}", "a -3"],
    ["braces in texts", '{{ `}}` }}{{ "}}" }}', "}}}}"],
    ["escapes", '{{ "a\\tb\\u00e9\\x41\\101\\"" }}', 'a\tbéAA"'],
    ["numbers", "{{ 0x1F }} {{ 1_000 }} {{ -7 }} {{ 1e3 }} {{ 2.50 }} {{ 'a' }}", "31 1000 -7 1000 2.5 97"],
    ["large and small floats", "{{ 1000000.0 }} {{ 0.00001 }} {{ 123456.0 }}", "1e+06 1e-05 123456"],
    ["line breaks inside of an action", "{{\n name\n}}", "web"],
    ["a map", "{{ variables }}", "map[dc:east empty:]"],
  ])("%s", (_, source, expected) => expect(render(source)).toBe(expected));
});

describe("renderTemplate: functions", () => {
  test.each([
    ["printf", '{{ printf "%s-%d%%" name 5 }}', "web-5%"],
    [
      "printf of floats",
      '{{ printf "%.2f|%6.1f|%e|%g|%.3g" 1.005 2.26 1234.5 1e21 1234.5 }}',
      "1.00|   2.3|1.234500e+03|1e+21|1.23e+03",
    ],
    ["printf of widths", '{{ printf "%5d|%-5d|%05d|%+d|%x|%#x" 42 42 42 42 42 42 }}', "   42|42   |00042|+42|2a|0x2a"],
    [
      "printf of texts",
      '{{ printf "%q|%5s|%-5s|%.2s|%v|%t" "a\\"b" "ab" "ab" "abc" "v" true }}',
      '"a\\"b"|   ab|ab   |ab|v|true',
    ],
    ["a pipe gives the last argument", '{{ "x" | printf "%s%s" "y" }}', "yx"],
    ["parentheses", '{{ printf "%s" (printf "%s!" name) }}', "web!"],
    ["fields of parentheses", "{{ (variables).dc }}", "east"],
    ["print", '{{ print 1 2 "a" 3 }}', "1 2a3"],
    ["len counts bytes", '{{ len "é" }} {{ len variables }}', "2 2"],
    ["index of a text", '{{ index "ab" 1 }}', "98"],
    ["slice", '{{ slice "abcd" 1 3 }}', "bc"],
    ["urlquery, html", '{{ urlquery "a b&c" }} {{ html "<" }}', "a+b%26c &#60;"],
    ["eq has many others", '{{ eq name "a" "web" }}', "true"],
    ["comparisons", "{{ lt 1 2 }}{{ le 2 2 }}{{ gt 1.5 2.5 }}{{ ge 2 3 }}{{ ne 1 2 }}", "truetruefalsefalsetrue"],
    ["texts are compared", '{{ lt "a" "b" }}', "true"],
    ["and, or give the deciding value", '{{ and name "" "x" }}|{{ or "" name }}', "|web"],
    ["and looks no further", "{{ and false variables.no }}", "false"],
    ["not", "{{ not variables.empty }}", "true"],
  ])("%s", (_, source, expected) => expect(render(source)).toBe(expected));
});

describe("renderTemplate: blocks", () => {
  test.each([
    ["else if", '{{ if eq variables.dc "west" }}w{{ else if variables.empty }}e{{ else }}o{{ end }}', "o"],
    ["else if that holds", '{{ if false }}a{{ else if eq name "web" }}b{{ else }}c{{ end }}d', "bd"],
    ["and with not", "{{ if and name (not variables.empty) }}yes{{ end }}", "yes"],
    ["with", '{{ with index variables "dc" }}dc={{ . }}{{ end }}', "dc=east"],
    ["with of nothing", '{{ with index variables "no" }}{{ . }}{{ else }}none{{ end }}', "none"],
    ["with and a variable", "{{ with $v := variables }}{{ $v.dc }}{{ .dc }}{{ end }}", "easteast"],
    [
      "range over a map goes by sorted keys",
      '{{ range $k, $v := variables }}{{ $k }}="{{ $v }}",{{ end }}',
      'dc="east",empty="",',
    ],
    ["range sets the dot", "{{ range variables }}<{{ . }}>{{ end }}", "<east><>"],
    ["range over a number", "{{ range $i := 3 }}{{ $i }}{{ end }}", "012"],
    ["range over nothing", "{{ range 0 }}x{{ else }}none{{ end }}", "none"],
    [
      "break and continue",
      "{{ range 9 }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ if gt . 3 }}{{ break }}{{ end }}{{ . }}{{ end }}",
      "023",
    ],
    ["variables", '{{ $x := "a" }}{{ $x }}{{ if true }}{{ $x = "b" }}{{ $y := $x }}{{ $y }}{{ end }}{{ $x }}', "abb"],
    [
      "an inner variable hides the outer one",
      '{{ $x := "a" }}{{ if true }}{{ $x := "b" }}{{ $x }}{{ end }}{{ $x }}',
      "ba",
    ],
    [
      "a join",
      '{{ $sep := "" }}{{ range $k, $_ := variables }}{{ $sep }}{{ $k }}{{ $sep = "|" }}{{ end }}',
      "dc|empty",
    ],
  ])("%s", (_, source, expected) => expect(render(source)).toBe(expected));
});

test.each([
  ["rate(x[{{ intervall }}])", 'line 1, column 11: "intervall" is not defined; known are name, namespace, target'],
  ["a\n  {{ variables.region }}", 'line 2, column 6: variable "region" is not set; add it to templateVariables'],
  ["{{ name", 'line 1, column 1: "{{" is never closed; write "}}" after it'],
  ["{{/* x", '"/*" is never closed'],
  ["{{/* x */ name }}", 'after a comment only "}}" may follow'],
  ['{{ "x }}', 'line 1, column 4: the text that begins with " is never closed'],
  ["{{ if name }}x", 'line 1, column 3: "if" is never closed'],
  ["{{ end }}", '"end" has no "if"'],
  ["{{ else }}", '"else" has no "if"'],
  ["{{ if 1 }}{{ else }}{{ else }}{{ end }}", '"else" has no "if"'],
  ["{{ if 1 }}{{ else name }}{{ end }}", 'unexpected "name" after "else"; expected "}}"'],
  ["{{ break }}", '"break" stands outside of "range"'],
  ['{{ template "x" }}', '"template" is not known in query templates'],
  ["{{ .Name }}", 'line 1, column 4: ".Name" has no data before it; expected a function without a dot'],
  ["{{ . }}", "the expression gives nothing; expected a value"],
  ["{{ name target }}", '"name" takes no arguments, received 1'],
  ["{{ 5 name }}", "a value takes no arguments"],
  ["{{ name.x }}", 'a text has no field "x"'],
  ["{{ variables.__proto__ }}", 'variable "__proto__" is not set'],
  ["{{ constructor }}", '"constructor" is not defined'],
  ["{{ $x }}", "the variable $x is not defined"],
  ["{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}", "column 39: the variable $x is not defined"],
  ["{{ $x = 1 }}", "the variable $x is not defined"],
  ["{{ }}", "an expression is missing; expected a name, a text or a number"],
  ["{{ name | }}", "an expression is missing"],
  ["{{ (name }}", '"(" is never closed; write ")"'],
  ["{{ name ) }}", 'unexpected ")"; expected a value, "|" or "}}"'],
  ["{{ name # }}", 'line 1, column 9: unexpected "#"'],
  ["{{ name | target }}", '"target" takes no arguments'],
  ["{{ eq 1 1.5 }}", "a whole number cannot be compared with a float"],
  ["{{ lt true false }}", "a boolean has no order"],
  ['{{ printf "%d" name }}', '"%d" cannot write a text'],
  ['{{ printf "%s" }}', 'printf has no value for "%s"'],
  ['{{ printf "x" 1 }}', "printf has 1 values, its format takes 0"],
  ['{{ printf "%99999d" 1 }}', "wider than 1000"],
  ["{{ range name }}{{ end }}", '"range" cannot go over a text'],
  ["{{ 09 }}", "09 is no valid number"],
  ["{{ 99999999999999999999 }}", "no valid number"],
])("renderTemplate: the error of %j points at the place (pinned 50)", (source, message) => {
  expect(render(source)).toContain(message);
});

test.each([
  ["a long loop", "{{ range 9223372036854775807 }}{{ $x := 1 }}{{ end }}", "steps"],
  ["a long output", "{{ range 90000 }}0123456789{{ end }}", "is longer than 65536 characters"],
  [
    "a text that doubles",
    '{{ $x := "ab" }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}',
    "is longer than 65536 characters",
  ],
  [
    "work on long texts",
    '{{ $x := printf "%1000s" "" }}{{ $x = print $x $x $x $x $x $x $x $x }}{{ range 99999 }}{{ $y := len $x }}{{ end }}',
    "steps",
  ],
  ["deep parentheses", `{{ ${"(".repeat(50_000)}1${")".repeat(50_000)} }}`, "nested deeper than 100"],
  ["deep blocks", "{{ if 1 }}".repeat(50_000), "nested deeper than 100"],
  ["a long text", "x".repeat(70_000), "is longer than 65536 characters"],
])("renderTemplate: %s is refused in time", (_, source, message) => {
  expect(render(source)).toContain(message);
});

test("renderTemplate: text without delimiters renders to itself", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      fc.pre(!text.includes("{{"));
      expect(renderTemplate(text, values)).toEqual({ ok: true, value: text });
    }),
  );
});

test("renderTemplate: whatever stands in a template, it gives a text or an error with a place", () => {
  const word = fc.constantFrom(
    ...'{{ |}} |{{- | -}}|if |else |end |range |with |name |variables |.dc |. |$x |:= |= |, |( |) || |printf |index |eq |and |"%s" |`|\'|"|5 |1.5 |0x |/* |*/ |\n|break |%'.split(
      "|",
    ),
  );
  const source = fc.oneof(
    fc.array(word, { maxLength: 40 }).map((words) => words.join("")),
    fc.array(word, { maxLength: 12 }).map((words) => `{{ ${words.join("")} }}`),
    fc.string({ unit: "binary" }).map((text) => `{{${text}}}`),
  );
  fc.assert(
    fc.property(source, (text) => {
      const result = renderTemplate(text, values);
      if (!result.ok) expect(result.error).toMatch(/^line \d+, column \d+: ./);
    }),
    { numRuns: 3000 },
  );
});
