import type { HorizontalPodAutoscaler } from "#api";
import { isObject } from "#base";
import { parsePromql } from "#promql";
import type { RolloutNames } from "#rollout";
import { type Finding, pathOf, type PreflightFacts } from "./preflight-facts.ts";
import { alsoSelectsPrimary, type Renaming } from "./rename-matchers.ts";
import { cardinalityOf } from "./single-element.ts";
import { namesWord, primaryTrigger, ruleOf, type Trigger, triggersOf } from "./triggers.ts";

/** Where a trigger stands, and what the twin makes of it. */
interface Subject {
  readonly path: string;
  readonly trigger: Trigger;
  readonly twin: Trigger;
}

/** What the triggers of a ScaledObject mean for two copies. */
export function triggerFindings(facts: PreflightFacts): Finding[] {
  const { scaler, canary, names } = facts;
  const source = scaler?.source;
  if (source === undefined || source.kind !== "ScaledObject") return [];
  const queries = canary.spec.autoscalerRef?.primaryScalerQueries ?? {};
  const plan = { ...renamingOf(names), canary: names.canary, queries };
  return triggersOf(isObject(source.spec) ? source.spec : {}).flatMap((trigger, index) => {
    const path = `${pathOf(source)} spec.triggers[${index}]`;
    return findingsOf({ path, trigger, twin: primaryTrigger(trigger, plan) }, facts);
  });
}

function renamingOf({ target, primary, apexService, namespace }: RolloutNames): Renaming {
  return { target, primary, service: apexService, namespace };
}

/** Metrics of an HPA that are not of the pods are there once for both copies. Source: keda-hpa-spec 20.26. */
export function metricFindings({ scaler }: PreflightFacts): Finding[] {
  const source = scaler?.source;
  if (source === undefined || source.kind !== "HorizontalPodAutoscaler") return [];
  const { metrics = [] } = (source as HorizontalPodAutoscaler).spec;
  return metrics.flatMap(({ type }, index): Finding[] => {
    if (type !== "Object" && type !== "External") return [];
    const message = `a metric of type ${type} is the same for both copies: during a release each is sized for the whole of it`;
    const fix = "use metrics of the pods, or a ScaledObject whose query names the workload";
    return [finding("advice", `${pathOf(source)} spec.metrics[${index}]`, { code: "shared-signal", message, fix })];
  });
}

function findingsOf(subject: Subject, facts: PreflightFacts): Finding[] {
  const rule = ruleOf(subject.trigger.type);
  if (rule === "promql") return promqlFindings(subject, facts);
  if (rule === "shared") return [sharedFinding(subject)];
  return rule === "external" ? [externalFinding(subject)] : unrenamedFindings(subject, facts);
}

function promqlFindings({ path, trigger, twin }: Subject, { names }: PreflightFacts): Finding[] {
  const at = `${path}.metadata.query`;
  const query = trigger.metadata?.query;
  if (typeof query !== "string") return [];
  const parsed = parsePromql(query);
  if (!parsed.ok) {
    const message = `is no PromQL (${parsed.error.message}): the primary's is made by replacing the name as a word`;
    return [finding("mild", at, { code: "query-not-parsed", message, fix: OWN_QUERY })];
  }
  const cardinality = cardinalityOf(parsed.value);
  const findings: Finding[] = [];
  if (cardinality === "scalar") {
    const message = "gives a scalar, which KEDA cannot read";
    findings.push(finding("mild", at, { code: "query-not-single", message, fix: "wrap it in vector(…)" }));
  }
  if (cardinality === "many") {
    const message = "may give several elements, as while two versions run, and KEDA scales nothing then";
    findings.push(finding("mild", at, { code: "query-not-single", message, fix: "wrap it in sum(…) or max(…)" }));
  }
  if (twin.metadata?.query === query) {
    const message = `asks the same of both copies: no label matcher in it names "${names.target}", so each is sized for the whole load`;
    findings.push(finding("advice", at, { code: "shared-signal", message, fix: OWN_QUERY }));
  } else if (alsoSelectsPrimary(parsed.value, renamingOf(names))) {
    const message = `also selects the pods of "${names.primary}", so the canary is sized for the whole load`;
    const fix = `write a pattern that "${names.primary}-…" does not match, as ${names.target}-[0-9a-f]+-[0-9a-z]+`;
    findings.push(finding("advice", at, { code: "shared-signal", message, fix }));
  }
  return findings;
}

const OWN_QUERY = "state the primary's in spec.autoscalerRef.primaryScalerQueries under the trigger's name";

/** Source: keda-hpa-spec 20.9, 20.32. */
function sharedFinding({ path, trigger }: Subject): Finding {
  return finding("advice", path, {
    code: "shared-signal",
    message: `what "${trigger.type}" measures is there once: during a release each copy is sized for the whole of it`,
    fix: "bound the canary by the ScaledObject's maxReplicaCount, and the primary by autoscalerRef.primaryScalerReplicas",
  });
}

/** Source: keda-hpa-spec 15.11, 20.33. */
function externalFinding({ path, trigger }: Subject): Finding {
  return finding("advice", path, {
    code: "external-scaler",
    message: `while the server of "${trigger.type}" does not answer, KEDA reads none of the other triggers either, of both copies`,
    fix: "run it in several replicas",
  });
}

/** A query or an address of the target's that the twin has as it is. */
function unrenamedFindings({ path, twin, trigger }: Subject, { names }: PreflightFacts): Finding[] {
  return ["query", "url"].flatMap((key) => {
    const text = twin.metadata?.[key];
    if (typeof text !== "string" || text !== trigger.metadata?.[key] || !namesWord(text, names.target)) return [];
    const message = `names "${names.target}", and the primary's twin has it as it is`;
    const fix = key === "query" ? OWN_QUERY : "use an address that both copies may be measured at";
    return [finding("advice", `${path}.metadata.${key}`, { code: "shared-signal", message, fix })];
  });
}

function finding(
  level: Finding["level"],
  path: string,
  what: { readonly code: string; readonly message: string; readonly fix: string },
): Finding {
  return { level, problem: { path, ...what } };
}
