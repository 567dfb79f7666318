import { expect, test } from "vitest";
import { validateSchema } from "../schema/validate-schema.ts";
import { flaggerCrds } from "./flagger-crds.ts";
import { kindsFromCrd } from "./kinds-from-crd.ts";

function problemsOf(spec: Readonly<Record<string, unknown>>): readonly string[] {
  const crd = flaggerCrds().find(({ metadata }) => metadata.name === "alertproviders.flagger.app");
  const read = crd === undefined ? undefined : kindsFromCrd(crd);
  const [kind] = read?.ok === true ? read.value : [];
  if (kind === undefined) throw new Error("flaggerCrds has no AlertProvider");
  const object = { apiVersion: "flagger.app/v1beta1", kind: "AlertProvider", metadata: { name: "a" }, spec };
  return validateSchema(kind.schema, object).map(({ path }) => path);
}

const address = "https://chat.test/hook";
const secretRef = { name: "keys" };

test.each(["slack", "msteams", "discord", "rocket", "gchat", "pagerduty", "webhook", "github"])(
  "AlertProvider: %s takes an address, a Secret or both",
  (type) => {
    expect(problemsOf({ type, address })).toEqual([]);
    expect(problemsOf({ type, secretRef })).toEqual([]);
    expect(problemsOf({ type, address, secretRef })).toEqual([]);
  },
);

test("AlertProvider: refuses neither, no type, and types that are unknown", () => {
  expect(problemsOf({ type: "slack" })).not.toEqual([]);
  expect(problemsOf({ address })).not.toEqual([]);
  expect(problemsOf({ type: "sms", address })).toEqual(["spec.type"]);
});
