import { expect, test } from "vitest";
import type { AlertProvider, CanaryAlert, Secret } from "#api";
import { alertProblems } from "./alert-problems.ts";
import { alertingCanary, lookupsOf, provider, secret } from "./alert-scene.ts";

const entry: CanaryAlert = { name: "a", providerRef: { name: "on-call" } };
const address = "https://chat.test/services/T0P-SECRET";

function problemsWith(objects: readonly (AlertProvider | Secret)[]) {
  return alertProblems(alertingCanary([entry]), lookupsOf(objects));
}

test.each<[string, AlertProvider["spec"], Readonly<Record<string, string>> | undefined]>([
  ["an address", { type: "slack", address }, undefined],
  ["an address in the Secret", { type: "slack", secretRef: { name: "keys" } }, { address: `${address}\n` }],
  ["both, the Secret with the token", { type: "slack", address, secretRef: { name: "keys" } }, { token: "xoxb-1" }],
  ["PagerDuty's key", { type: "pagerduty", secretRef: { name: "keys" } }, { token: "key" }],
])("alertProblems: none with %s", (_, spec, values) => {
  expect(problemsWith([provider(spec), ...(values === undefined ? [] : [secret(values)])])).toEqual([]);
});

test.each<[string, readonly (AlertProvider | Secret)[], string, RegExp, string]>([
  ["no provider", [], "not-found", /^AlertProvider "default\/on-call" does not exist$/, ".providerRef.name"],
  ["an unknown type", [provider({ type: "sms", address })], "invalid-value", /type "sms", which is unknown/, ""],
  ["no address", [provider({ type: "slack" })], "required", /has no address/, ""],
  [
    "no Secret",
    [provider({ type: "slack", secretRef: { name: "keys" } })],
    "not-found",
    /^Secret "default\/keys" of AlertProvider "default\/on-call" does not exist$/,
    "",
  ],
  [
    "no key",
    [provider({ type: "slack", secretRef: { name: "keys" } }), secret({ url: address })],
    "required",
    /has no address/,
    "",
  ],
  ["no URL", [provider({ type: "slack", address: "T0P-SECRET" })], "invalid-value", /address that is no URL/, ""],
  ["a file", [provider({ type: "slack", address: "file:///T0P-SECRET" })], "invalid-value", /no URL/, ""],
  ["no proxy URL", [provider({ type: "slack", address, proxy: "T0P-SECRET" })], "invalid-value", /proxy/, ""],
  [
    "a token of two lines",
    [provider({ type: "slack", address, secretRef: { name: "keys" } }), secret({ token: "T0P\r\nSECRET" })],
    "invalid-value",
    /has a token with white space/,
    "",
  ],
  ["PagerDuty without a key", [provider({ type: "pagerduty", address })], "required", /has no token/, ""],
  [
    "GitHub without a repository",
    [provider({ type: "github", secretRef: { name: "keys" } }), secret({ token: "t" })],
    "required",
    /names no repository/,
    "",
  ],
])("alertProblems: %s, with path and fix and without secrets", (_, objects, code, message, field) => {
  const problems = problemsWith(objects);
  const path = `spec.analysis.alerts[0]${field === "" ? ".providerRef" : field}`;
  expect(problems).toEqual([{ path, code, message: expect.stringMatching(message), fix: expect.any(String) }]);
  expect(JSON.stringify(problems)).not.toMatch(/T0P|SECRET/);
});

test("alertProblems: another namespace only where it is allowed", () => {
  const canary = alertingCanary([{ name: "a", providerRef: { name: "on-call", namespace: "ops" } }]);
  const objects = [provider({ type: "slack", address }, "ops")];
  expect(alertProblems(canary, lookupsOf(objects))).toEqual([]);
  expect(alertProblems(canary, lookupsOf(objects, false))).toEqual([
    {
      path: "spec.analysis.alerts[0].providerRef.namespace",
      code: "invalid-value",
      message: expect.stringContaining('"ops"'),
      fix: 'name an AlertProvider of namespace "default"',
    },
  ]);
  const own = alertingCanary([{ name: "a", providerRef: { name: "on-call", namespace: "default" } }]);
  expect(alertProblems(own, lookupsOf([provider({ type: "slack", address })], false))).toEqual([]);
});

test("alertProblems: GitHub needs the commit on the Canary", () => {
  const objects = [provider({ type: "github", channel: "o/r", secretRef: { name: "keys" } }), secret({ token: "t" })];
  const metadata = (commit: string) => ({
    metadata: { name: "podinfo", namespace: "default", annotations: { "serin.dev/commit": commit } },
  });
  const path = "metadata.annotations[serin.dev/commit]";
  expect(alertProblems(alertingCanary([entry]), lookupsOf(objects))).toMatchObject([{ path, code: "required" }]);
  expect(alertProblems(alertingCanary([entry], metadata("main")), lookupsOf(objects))).toMatchObject([{ path }]);
  expect(alertProblems(alertingCanary([entry], metadata("a".repeat(40))), lookupsOf(objects))).toEqual([]);
});
