import { isObject } from "#base";
import { renameMatchers, type Renaming } from "./rename-matchers.ts";

/** One entry of a ScaledObject's `triggers`. */
export interface Trigger {
  readonly type: string;
  readonly name?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/**
 * What the twin does with a trigger.
 *
 * - `promql`: its query asks for the primary, by its label matchers.
 * - `words`: the query is of another store whose language is not parsed here; the name is replaced where it stands as a
 *   word.
 * - `shared`: what it measures (a queue, a table, the time of day) is there once for both copies. The twin has it as it is.
 * - `floor`: counts what is in a ConfigMap; that of the floor has a key for each copy.
 * - `pods`: cpu and memory of the copy's own pods.
 * - `external`: a server of the user's decides.
 * - `copied`: as it is.
 */
export type TriggerRule = "promql" | "words" | "shared" | "floor" | "pods" | "external" | "copied";

const rules: Readonly<Record<TriggerRule, string>> = {
  promql: "prometheus",
  words:
    "aws-cloudwatch azure-app-insights azure-data-explorer azure-log-analytics azure-monitor datadog dynatrace elasticsearch " +
    "gcp-stackdriver graphite huawei-cloudeye influxdb loki new-relic opensearch openstack-metric predictkube solarwinds " +
    "splunk splunk-observability sumologic",
  shared:
    "activemq apache-kafka arangodb artemis-queue aws-dynamodb aws-dynamodb-streams aws-kinesis-stream aws-sqs-queue " +
    "azure-blob azure-eventhub azure-pipelines azure-queue azure-servicebus beanstalkd cassandra clickhouse couchdb cron etcd " +
    "forgejo-runner gcp-cloudtasks gcp-pubsub gcp-spanner gcp-storage github-runner ibmmq kafka liiklus mongodb mssql mysql " +
    "nats-jetstream nsq openstack-swift postgresql pulsar rabbitmq redis redis-cluster redis-cluster-streams redis-sentinel " +
    "redis-sentinel-streams redis-streams selenium-grid solace-direct-messaging solace-event-queue solr stan temporal",
  floor: "kubernetes-resource",
  pods: "cpu memory",
  external: "external external-push",
  copied: "elastic-forecast kubernetes-workload metrics-api",
};

const ruleByType: ReadonlyMap<string, TriggerRule> = new Map(
  (Object.entries(rules) as [TriggerRule, string][]).flatMap(([rule, types]) =>
    types.split(" ").map((type) => [type, rule] as const),
  ),
);

/** What the twin does with triggers of a type; one that is not known is copied. Source: keda-hpa-spec 15, 16. */
export function ruleOf(type: string): TriggerRule {
  return ruleByType.get(type) ?? "copied";
}

/** What a twin's triggers are made with. */
export interface TriggerPlan extends Renaming {
  readonly canary: string;
  /** The Canary's own queries for the primary, by a trigger's name; when there are any, nothing is rewritten. */
  readonly queries: Readonly<Record<string, string>>;
}

/** The triggers of a ScaledObject that can be read; others are KEDA's to refuse. */
export function triggersOf(spec: Readonly<Record<string, unknown>>): readonly Trigger[] {
  const list: readonly unknown[] = Array.isArray(spec.triggers) ? spec.triggers : [];
  return list.filter((entry): entry is Trigger => isObject(entry) && typeof entry.type === "string");
}

/**
 * The twin's trigger for one of the source. None is left out, and their order stays: KEDA names the metrics by it.
 *
 * A queue is consumed by whichever copy runs. At rest that is the primary alone, and during a release both are sized for the
 * whole of it: too many pods for that time, within the upper bounds, rather than a copy that nothing keeps up.
 */
export function primaryTrigger(trigger: Trigger, plan: TriggerPlan): Trigger {
  const rule = ruleOf(trigger.type);
  const { metadata } = trigger;
  // What is no trigger for KEDA either is KEDA's to refuse.
  if (!isObject(metadata)) return trigger;
  const changes = { ...queryOf(trigger, plan), ...(rule === "floor" ? floorKey(metadata, plan.canary) : {}) };
  // An empty answer would count as 0: a new version that renames its metric would be scaled in under load. keda-hpa-spec 20.28
  const strict = rule === "promql" && metadata.ignoreNullValues === undefined ? { ignoreNullValues: "false" } : {};
  return { ...trigger, metadata: { ...metadata, ...changes, ...strict } };
}

function queryOf({ type, name, metadata }: Trigger, plan: TriggerPlan): { query?: string } {
  const query = metadata?.query;
  if (typeof query !== "string") return {};
  if (Object.keys(plan.queries).length > 0) {
    const own = name === undefined || !Object.hasOwn(plan.queries, name) ? undefined : plan.queries[name];
    return own === undefined ? {} : { query: own };
  }
  const rule = ruleOf(type);
  if (rule === "words") return { query: renameWords(query, plan) };
  // A dialect that is not parsed here, such as MetricsQL, is taken for words.
  return rule === "promql" ? { query: renameMatchers(query, plan) ?? renameWords(query, plan) } : {};
}

/** The ConfigMap of the floor has a key for each copy. See docs/design/0005-capacity.md. */
function floorKey(metadata: Readonly<Record<string, string>>, canary: string): { key?: string } {
  return metadata.resourceName === `${canary}-floor` && metadata.key === "canary" ? { key: "primary" } : {};
}

/** Whether a text has a name as a word of its own: `web` is none in `web-gateway` or `my_web`. */
export function namesWord(text: string, name: string): boolean {
  return new RegExp(`(?<![\\w-])${escape(name)}(?:-canary)?(?![\\w-])`).test(text);
}

function renameWords(query: string, { target, primary }: Pick<Renaming, "target" | "primary">): string {
  return query.replaceAll(new RegExp(`(?<![\\w-])${escape(target)}(?:-canary)?(?![\\w-])`, "g"), primary);
}

function escape(name: string): string {
  return name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
