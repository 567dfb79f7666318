import { expect, test } from "vitest";
import { parsePromql } from "#promql";
import { alsoSelectsPrimary, renameMatchers } from "./rename-matchers.ts";
import { cardinalityOf } from "./single-element.ts";

const names = { target: "api", primary: "api-primary", service: "api", namespace: "shop" };

test.each([
  ["an equal value", 'sum(rate(http{app="api"}[1m]))', 'sum(rate(http{app="api-primary"}[1m]))'],
  ["the canary Service", 'http{service="api-canary"}', 'http{service="api-primary"}'],
  ["one of several values", 'http{app=~"api|shop"}', 'http{app=~"api-primary|shop"}'],
  ["both copies", 'http{app=~"api|api-primary"}', 'http{app=~"api-primary"}'],
  ["a pod pattern", 'http{pod=~"api-[0-9a-z]+-[0-9a-z]+"}', 'http{pod=~"api-primary-[0-9a-z]+-[0-9a-z]+"}'],
  ["anything after the name", 'http{pod=~"^api.*$"}', 'http{pod=~"^api-primary.*$"}'],
  ["a group after the name", 'http{pod=~"api-(a|b)|shop-.+"}', 'http{pod=~"api-primary-(a|b)|shop-.+"}'],
  [
    "the host of its Service",
    'http{destination_service="api.shop.svc.cluster.local"}',
    'http{destination_service="api-primary.shop.svc.cluster.local"}',
  ],
  [
    "a pattern of that host",
    'http{host=~"api[.]shop.*|api.shop.svc.+"}',
    'http{host=~"api-primary[.]shop.*|api-primary.shop.svc.+"}',
  ],
  ["the primary left out", 'http{pod=~"api-.+",pod!~"api-primary-.+"}', 'http{pod=~"api-primary-.+"}'],
  ["in a subquery", 'max_over_time(sum(http{app="api"})[5m:1m])', 'max_over_time(sum(http{app="api-primary"})[5m:1m])'],
  [
    "on both sides, and in a parameter",
    'topk(scalar(n{app="api"}), a{app="api"}) / -(b{app="api"})',
    'topk(scalar(n{app="api-primary"}), a{app="api-primary"}) / -(b{app="api-primary"})',
  ],
])("renameMatchers: %s", (_, query, wanted) => {
  expect(renameMatchers(query, names)).toBe(wanted);
});

test.each([
  ["another word", 'http{app="api-gateway"}'],
  ["a host of the world", 'http{host="api.example.com",authority=~"api.example.com|api\\\\.test"}'],
  ["a host of another namespace", 'http{host="api.shop2.svc",destination_service="api.other"}'],
  ["another word's pattern", 'http{pod=~"api-gateway-.*|my-api-.*"}'],
  ["the primary", 'http{app="api-primary"}'],
  ["a metric's name", "sum(api) + api:rate5m"],
  ["namespace and container", 'http{namespace="api",exported_namespace="api",container="api"}'],
  ["a string that is no matcher", 'label_replace(sum(http), "app", "api", "", "")'],
  ["what is left out", 'http{app!="api",pod!~"api-.*"}'],
  ["a quantifier of the name's last letter", 'http{app=~"api+"}'],
  ["spacing, where nothing changes", 'sum( http{ app = "shop" } )'],
])("renameMatchers: %s stays as it is", (_, query) => {
  expect(renameMatchers(query, names)).toBe(query);
});

test("renameMatchers: a name with a dot is taken literally in a pattern", () => {
  const dotted = { ...names, target: "api.v1", primary: "api.v1-primary" };
  expect(renameMatchers('http{pod=~"api.v1-.*"}', dotted)).toBe('http{pod=~"api\\\\.v1-primary-.*"}');
});

test("renameMatchers: of labels of Services the Canary's Service counts too", () => {
  const served = { ...names, target: "api-v2", primary: "api-v2-primary" };
  const query = 'http{destination_service_name="api",app="api",host="api.shop.svc"} + n{app="api-v2"}';
  const wanted =
    'http{destination_service_name="api-primary",app="api",host="api-primary.shop.svc"} + n{app="api-v2-primary"}';
  expect(renameMatchers(query, served)).toBe(wanted);
});

test("renameMatchers: what is no PromQL is undefined", () => {
  expect(renameMatchers("sum(http{", names)).toBeUndefined();
});

const parsed = (query: string) => {
  const result = parsePromql(query);
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
};

test("alsoSelectsPrimary: an open pattern does, a closed one and one that leaves it out do not", () => {
  expect(alsoSelectsPrimary(parsed('http{pod=~"api-.*"}'), names)).toBe(true);
  expect(alsoSelectsPrimary(parsed('http{pod=~"api-.*",pod!~".*primary.*"}'), names)).toBe(false);
  expect(alsoSelectsPrimary(parsed('http{pod=~"api-[0-9a-f]+-[0-9a-z]+"}'), names)).toBe(false);
  expect(alsoSelectsPrimary(parsed('http{pod=~".*"}'), names)).toBe(false);
});

test.each([
  ["one", "sum(http)"],
  ["one", "sum(http) / sum(other)"],
  ["one", "sum(http) or vector(0)"],
  ["one", "ceil(clamp_min(-(max(http)), 1)) > bool 3"],
  ["one", "histogram_quantile(0.9, sum by (le) (rate(h[1m])))"],
  ["one", "avg_over_time(sum(http)[5m:1m])"],
  ["one", "sum(http) * on () group_right () vector(2)"],
  ["one-with-labels", "topk(1, http)"],
  ["one-with-labels", "absent(http)"],
  ["many", "http"],
  ["many", "rate(http[1m])"],
  ["many", "sum by (code) (http)"],
  ["many", "topk(2, http)"],
  ["many", "topk(1, http) or vector(0)"],
  ["many", "http * on () group_left () sum(other)"],
  ["many", "histogram_quantile(0.9, sum by (le, pod) (rate(h[1m])))"],
  ["many", 'count_values("v", http)'],
  ["scalar", "time()"],
  ["scalar", "scalar(sum(http)) + 1"],
])("cardinalityOf: %s is what %s gives", (kind, query) => {
  expect(cardinalityOf(parsed(query))).toBe(kind);
});
