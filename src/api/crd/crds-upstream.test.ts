import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { canonicalJson } from "#base";
import type { KubeObject } from "../meta.ts";
import { pruneUnknown } from "../schema/prune-unknown.ts";
import type { Schema } from "../schema/schema.ts";
import { validateSchema } from "../schema/validate-schema.ts";
import { flaggerCrds } from "./flagger-crds.ts";
import { gatewayCrds } from "./gateway-crds.ts";
import { istioCrds } from "./istio-crds.ts";
import { kedaCrds } from "./keda-crds.ts";
import { kindsFromCrd } from "./kinds-from-crd.ts";
import { validateCrd } from "./validate-crd.ts";

const upstream = join(import.meta.dirname, "../../../../shared/conformance/crds");
const ours = [...flaggerCrds(), ...istioCrds(), ...gatewayCrds(), ...kedaCrds()];

test.each(ours.map((crd) => [crd.metadata.name, crd] as const))("%s: is a valid definition", (_name, crd) => {
  expect(validateCrd(crd)).toEqual([]);
});

const STORED_ONLY = /^(sidecars|envoyfilters|authorizationpolicies|requestauthentications|peerauthentications)\./;
/** Columns that we add, after all of upstream's. */
const OWN_COLUMNS: ReadonlySet<string> = new Set(["Served"]);
/** What upstream adds for the sake of status alone, or says at the root. */
const IGNORED = /^ (apiVersion|kind|metadata)|^( status| apiVersion| kind)( |$)/;

/** Fields, as lines of {@link shapeOf} begin, that take more than upstream's; AlertProvider has its own test in alert-provider.test.ts. */
const WIDENED = /^alertproviders\.flagger\.app spec( type)? \{/;

/** Fields that are ours. */
const OWN_FIELDS =
  /^canaries\.flagger\.app spec (capacity|analysis (method|sequential))( |$)|^metrictemplates\.flagger\.app spec (counts|scalar)( |$)/;

function comparedShape(crd: KubeObject): string[] {
  const name = crd.metadata.name ?? "";
  return shapeOf(crd)
    .map((line) => `${name} ${line}`)
    .filter((line) => !WIDENED.test(line) && !OWN_FIELDS.test(line));
}

test.skipIf(!existsSync(upstream)).each([
  ["flagger.yaml", 3],
  ["istio.yaml", 11],
  ["keda.yaml", 3],
] as const)("%s: fields, bounds and versions are upstream's", (file, count) => {
  const documents = parseAllDocuments(readFileSync(join(upstream, file), "utf8"));
  const theirs = documents.map((document) => document.toJS() as KubeObject | null).filter((crd) => crd !== null);
  let comparedCount = 0;
  for (const crd of ours) {
    const other = theirs.find((candidate) => candidate.metadata.name === crd.metadata.name);
    if (other === undefined) continue;
    comparedCount++;
    expect(namesOf(crd)).toEqual(namesOf(other));
    if (STORED_ONLY.test(crd.metadata.name ?? "")) continue;
    expect(comparedShape(crd)).toEqual(comparedShape(other));
  }
  expect(comparedCount).toBe(count);
});

/** Parts of the Gateway API that only its controllers read: kept as they are, not checked. */
const KEPT = /^spec (.* )?(externalAuth|sessionPersistence|infrastructure|allowedListeners|tls|defaultScope)( |$)/;

test.skipIf(!existsSync(upstream))(
  "gateway-api.yaml: fields, bounds and versions of what is modelled are upstream's",
  () => {
    const documents = parseAllDocuments(readFileSync(join(upstream, "gateway-api.yaml"), "utf8"));
    const theirs = new Map(
      documents.map((document) => document.toJS() as KubeObject | null).map((crd) => [crd?.metadata.name, crd]),
    );
    for (const crd of gatewayCrds()) {
      const other = theirs.get(crd.metadata.name);
      if (other === undefined || other === null) throw new Error(`upstream has no ${crd.metadata.name}`);
      expect(namesOf(crd)).toEqual(namesOf(other));
      const isModelled = (line: string) => !KEPT.test(line) || line.startsWith("spec listeners [] tls");
      const [mine, known] = [crd, other].map((each) => shapeOf(each).filter(isModelled).map(splitRules));
      expect([crd.metadata.name, ...mine!.map(({ shape }) => shape)]).toEqual([
        crd.metadata.name,
        ...known!.map(({ shape }) => shape),
      ]);
      // Not all rules are ours, but none is invented.
      mine!.forEach(({ rules }, i) => expect(known![i]!.rules).toEqual(expect.arrayContaining(rules)));
    }
  },
);

/** The bounds of a field apart from its CEL rules. */
function splitRules(line: string): { shape: string; rules: string[] } {
  const start = line.indexOf('{"');
  const json = start < 0 ? -1 : start;
  const bounds = JSON.parse(json < 0 ? "{}" : line.slice(json)) as Record<string, unknown>;
  const { "x-kubernetes-validations": rules = [], ...rest } = bounds;
  const path = json < 0 ? line : line.slice(0, json);
  return {
    shape: `${path}${canonicalJson(rest)}`,
    rules: (rules as string[]).filter((rule) => !rule.includes("ExternalAuth")),
  };
}

interface Version {
  readonly name: string;
  readonly storage: boolean;
  readonly schema: { readonly openAPIV3Schema: Schema };
  readonly additionalPrinterColumns?: readonly {
    readonly name: string;
    readonly jsonPath: string;
    readonly priority?: number;
  }[];
}

function versionsOf(crd: KubeObject): readonly Version[] {
  return (crd.spec as { versions: Version[] }).versions;
}

function namesOf(crd: KubeObject): unknown {
  const spec = crd.spec as { names: object; scope: string };
  const versions = versionsOf(crd).map(({ name, storage, additionalPrinterColumns = [] }) => ({
    name,
    storage,
    columns: additionalPrinterColumns
      .filter((column) => !OWN_COLUMNS.has(column.name))
      .map((column) => [column.name, column.jsonPath, column.priority ?? 0]),
  }));
  return { names: spec.names, scope: spec.scope, versions: versions.sort((a, b) => a.name.localeCompare(b.name)) };
}

/** One line for each field: its path, then what bounds it, without descriptions. */
function shapeOf(crd: KubeObject): string[] {
  const lines: string[] = [];
  const walk = (schema: Schema, path: string): void => {
    const {
      properties,
      items,
      additionalProperties,
      description: _,
      ...rest
    } = schema as Schema & Record<string, unknown>;
    const known = Object.entries(rest).filter(
      ([key, value]) => /^[a-zA-Z0-9-]+$/.test(key) && !isNoise(key, value, schema),
    );
    lines.push(`${path} ${canonicalJson(Object.fromEntries(known.map(normal)))}`);
    for (const [key, field] of Object.entries(properties ?? {})) walk(field, `${path} ${key}`);
    if (items !== undefined) walk(items, `${path} []`);
    if (typeof additionalProperties === "object") walk(additionalProperties, `${path} {}`);
  };
  const spec = versionsOf(crd)[0]!.schema.openAPIV3Schema.properties!.spec!;
  walk(spec, "spec");
  return lines.filter((line) => !IGNORED.test(line)).sort();
}

function isNoise(key: string, value: unknown, schema: Schema): boolean {
  return (key === "format" && value === "string") || (key === "required" && schema.type === "array");
}

function normal([key, value]: [string, unknown]): [string, unknown] {
  const isUnordered = ["enum", "required", "x-kubernetes-validations"].includes(key);
  return [key, isUnordered && Array.isArray(value) ? value.map(canonicalJson).sort() : value];
}

const article = join(import.meta.dirname, "../../../../shared/article");

function findings(file: string): string[] {
  const kinds = ours.flatMap((crd) => {
    const read = kindsFromCrd(crd);
    return read.ok ? read.value : [];
  });
  return parseAllDocuments(readFileSync(join(article, file), "utf8")).flatMap((document) => {
    const object = document.toJS() as KubeObject;
    const kind = kinds.find(
      ({ resource }) => `${resource.group}/${resource.version}` === object.apiVersion && resource.kind === object.kind,
    );
    if (kind === undefined) return [];
    const { value, unknown } = pruneUnknown(kind.schema, object);
    return [
      ...unknown.map((path) => `unknown ${path}`),
      ...validateSchema(kind.schema, value).map(({ path, message }) => `${path}: ${message}`),
    ];
  });
}

test.skipIf(!existsSync(article))("the article's manifests: what Istio and Flagger refuse, our schemas refuse", () => {
  const pool = "spec.trafficPolicy.connectionPool.http";
  expect(findings("destination-rule.yaml")).toEqual(
    ["consecutiveGatewayErrors", "interval", "baseEjectionTime", "maxEjectionPercent"].map(
      (field) => `unknown ${pool}.${field}`,
    ),
  );
  expect(findings("istio-gateway.yaml")).toEqual([]);
  expect(findings("canary-resource.yaml")).toEqual([
    "spec.analysis: Required value",
    expect.stringContaining("some validation rules were not checked"),
  ]);
  expect(findings("telemetry-v2.yaml")).not.toEqual([]);
});
