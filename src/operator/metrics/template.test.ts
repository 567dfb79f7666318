import { expect, test } from "vitest";
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

test.each([
  ["plain", "plain"],
  ["{{ namespace }}/{{target}}[{{ interval }}]", "shop/web-app[1m]"],
  ["{{ variables.dc }}", "east"],
  ['{{ index variables "dc" }}', "east"],
  ["a {{- /* why */ -}} b", "ab"],
  ["a {{- name -}} b", "awebb"],
  ['{{ printf "%s-%d%%" name 5 }}', "web-5%"],
  ['{{ "x" | printf "%s%s" "y" }}', "yx"],
  ['{{ if eq variables.dc "west" }}w{{ else if variables.empty }}e{{ else }}o{{ end }}', "o"],
  ["{{ if and name (not variables.empty) }}yes{{ end }}", "yes"],
  ['{{ `}}` }}{{ "}}" }}', "}}}}"],
])("renderTemplate: %s", (source, expected) => {
  expect(renderTemplate(source, values)).toEqual({ ok: true, value: expected });
});

test.each([
  ["rate(x[{{ intervall }}])", 'line 1, column 11: "intervall" is not defined'],
  ["a\n  {{ variables.region }}", 'line 2, column 6: variable "region" is not set; add it to templateVariables'],
  ["{{ name", 'line 1, column 1: "{{" is never closed'],
  ["{{ if name }}x", 'line 1, column 3: "if" is never closed'],
  ["{{ end }}", '"end" has no "if"'],
  ["{{ range variables }}{{ end }}", '"range" is not supported'],
  ["{{ .Name }}", 'line 1, column 4: unexpected "."'],
  ["{{ name target }}", 'unexpected "target"'],
  ["{{ variables.__proto__ }}", 'variable "__proto__" is not set'],
  ["{{ constructor }}", '"constructor" is not defined'],
  ["{{ }}", "an expression is missing"],
])("renderTemplate: the error of %j points at the place", (source, message) => {
  const result = renderTemplate(source, values);
  expect(result.ok ? result.value : result.error).toContain(message);
});
