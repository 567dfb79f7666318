import type { PrinterColumn } from "../kind.ts";
import type { KubeObject } from "../meta.ts";
import {
  anyObject,
  between,
  bool,
  described,
  integer,
  mapOf,
  number,
  object,
  oneOf,
  text,
  withDefault,
} from "../schema/build.ts";
import { exactlyOne } from "../schema/choices.ts";
import { arrayOf } from "../schema/plain-lists.ts";
import type { Schema } from "../schema/schema.ts";
import { buildCrd } from "./build-crd.ts";
import { canaryService, optionalTextMatch } from "./flagger-service.ts";

/** Source of all three: flagger.app/v1beta1 CustomResourceDefinitions, Flagger 1.44. */

const textMap = mapOf(text);
const duration: Schema = { type: "string", pattern: "^[0-9]+(m|s)" };
const dateTime: Schema = { type: "string", format: "date-time" };

function reference(kinds: readonly string[], more: Readonly<Record<string, Schema>> = {}): Schema {
  return object({ apiVersion: text, kind: oneOf(...kinds), name: text, ...more }, ["apiVersion", "kind", "name"]);
}

const namedReference = object({ name: text, namespace: text }, ["name"]);

const headerMatch = exactlyOne(
  ["exact", "prefix", "suffix", "regex"],
  object({ exact: text, prefix: text, suffix: text, regex: text }),
);

const metric = object(
  {
    name: described("A built-in metric, or any name with `query` or `templateRef`.", text),
    interval: duration,
    threshold: number,
    thresholdRange: object({ min: number, max: number }),
    query: text,
    templateRef: namedReference,
    templateVariables: textMap,
  },
  ["name"],
);

const webhook = object(
  {
    name: text,
    type: oneOf(
      "",
      "confirm-rollout",
      "pre-rollout",
      "rollout",
      "confirm-promotion",
      "post-rollout",
      "event",
      "rollback",
      "confirm-traffic-increase",
    ),
    url: { type: "string", format: "url" },
    muteAlert: bool,
    timeout: duration,
    retries: number,
    disableTLS: bool,
    metadata: textMap,
  },
  ["name", "url"],
);

const sessionAffinity = object(
  {
    cookieName: text,
    primaryCookieName: text,
    domain: text,
    httpOnly: bool,
    maxAge: withDefault(86_400, number),
    partitioned: bool,
    path: text,
    sameSite: oneOf("Strict", "Lax", "None"),
    secure: bool,
  },
  ["cookieName"],
);

const above0 = between(0, undefined, number);

const sequential = object({
  tolerance: described(
    "How much worse than the primary a canary may be: factors on errors and latency, and an added rate of errors.",
    object({
      relative: between(1, undefined, number),
      absolutePercent: above0,
      latency: between(1, undefined, number),
    }),
  ),
  confidence: described(
    "Chances of a wrong verdict, in percent.",
    object({ falseRollbackPercent: between(0, 50, number), falsePromotionPercent: between(0, 50, number) }),
  ),
  profile: oneOf("fast", "balanced", "strict"),
  maxDuration: duration,
  onTimeout: oneOf("promote", "hold", "rollback"),
  warmup: duration,
});

const analysis: Schema = {
  ...object({
    method: described("How a release is judged; threshold when absent.", oneOf("threshold", "sequential")),
    sequential: described("How sure a sequential analysis has to be.", sequential),
    interval: described("Time between two checks.", duration),
    threshold: described("Number of failed checks that rolls back.", number),
    iterations: described("Number of checks of a release without weights.", number),
    maxWeight: described("Share of traffic at which the canary is promoted, in percent.", number),
    stepWeight: described("Share by which traffic grows with each check, in percent.", number),
    stepWeights: described("Shares of traffic, step by step, in percent.", arrayOf(number)),
    stepWeightPromotion: number,
    mirror: bool,
    mirrorWeight: number,
    primaryReadyThreshold: number,
    canaryReadyThreshold: number,
    match: arrayOf(
      object({ headers: mapOf(headerMatch), queryParams: mapOf(optionalTextMatch), sourceLabels: textMap }),
    ),
    metrics: arrayOf(metric),
    alerts: arrayOf(
      object({ name: text, severity: oneOf("", "info", "warn", "error"), providerRef: namedReference }, [
        "providerRef",
        "name",
      ]),
    ),
    webhooks: arrayOf(webhook),
    sessionAffinity,
  }),
  oneOf: [
    { required: ["interval", "threshold", "iterations"] },
    { required: ["interval", "threshold", "stepWeight"] },
    { required: ["interval", "threshold", "stepWeights"] },
  ],
};

const PROVIDERS = [
  "apisix",
  "appmesh",
  "appmesh:v1beta2",
  "contour",
  "gatewayapi:v1",
  "gatewayapi:v1beta1",
  "gloo",
  "istio",
  "knative",
  "kubernetes",
  "kuma",
  "linkerd",
  "nginx",
  "osm",
  "skipper",
  "smi:v1alpha1",
  "smi:v1alpha2",
  "smi:v1alpha3",
  "traefik",
];

const replicas = between(1, undefined, integer);

const percent = between(0, 100, integer);

const capacity = object({
  coupling: described(
    "Whether steps wait for ready pods (enforce, the default), the need is only shown (observe), or neither.",
    oneOf("enforce", "observe", "off"),
  ),
  headroomPercent: described("Pods beyond the need, in percent of it; 10 when absent.", between(0, 1000, integer)),
  reservePercent: described("How much of all traffic the primary stays able to take back; 80 when absent.", percent),
  reserveWindow: described("How long after a release the primary keeps its pods; 2m when absent.", duration),
  requestsPerPod: described("Requests per second that one ready pod serves; learned when absent.", number),
  warmUp: described("How long nothing is learned from a pod that became ready; 0s when absent.", duration),
  deadline: described("How long a step waits for pods; progressDeadlineSeconds when absent.", duration),
});

const canarySpec = object(
  {
    provider: described("What shifts the traffic; the controller's own setting when absent.", oneOf(...PROVIDERS)),
    metricsServer: text,
    progressDeadlineSeconds: number,
    targetRef: described("The workload that is released.", reference(["DaemonSet", "Deployment", "Service"])),
    autoscalerRef: described(
      "What scales that workload.",
      reference(["HorizontalPodAutoscaler", "ScaledObject"], {
        primaryScalerQueries: textMap,
        primaryScalerReplicas: object({ minReplicas: replicas, maxReplicas: replicas }),
      }),
    ),
    ingressRef: reference(["Ingress"]),
    routeRef: reference(["ApisixRoute"]),
    upstreamRef: reference(["Upstream"], { namespace: text }),
    service: described("Services and routes of the workload.", canaryService),
    analysis: described("How the release advances and what it is judged by.", analysis),
    capacity: described("How traffic and capacity move together.", capacity),
    skipAnalysis: bool,
    revertOnDeletion: bool,
    suspend: bool,
  },
  ["targetRef", "analysis"],
);

const PHASES = [
  "",
  "Initializing",
  "Initialized",
  "Waiting",
  "Progressing",
  "WaitingPromotion",
  "Promoting",
  "Finalising",
  "Succeeded",
  "Failed",
  "Terminating",
  "Terminated",
];

const copyCapacity = object({ ready: number, need: number, next: number });

const capacityStatus = object({
  method: oneOf("declared", "learned", "autoscaler", "size"),
  requestsPerSecond: number,
  podsForAll: described("Pods that all of the traffic needs, without headroom.", number),
  primary: copyCapacity,
  canary: copyCapacity,
  wayBack: described("How fast all traffic could be back on the primary.", text),
  reserveCount: number,
  learned: arrayOf(object({ revision: text, requestsPerPod: number, deviation: number, sampleCount: number })),
});

const canaryStatus = object({
  phase: oneOf(...PHASES),
  failedChecks: number,
  canaryWeight: number,
  servedWeight: described("Share of the traffic that the canary really served at the last check, in percent.", number),
  capacity: described("What the traffic needs in pods, and what the pods can serve.", capacityStatus),
  evidence: described("Evidence of a sequential analysis.", anyObject),
  iterations: number,
  trackedConfigs: textMap,
  lastAppliedSpec: text,
  lastPromotedSpec: text,
  lastTransitionTime: dateTime,
  sessionAffinityCookie: text,
  primarySessionAffinityCookie: text,
  previousSessionAffinityCookie: text,
  conditions: arrayOf(
    object(
      { type: text, status: text, reason: text, message: text, lastUpdateTime: dateTime, lastTransitionTime: dateTime },
      ["type", "status", "reason"],
    ),
  ),
});

function column(name: string, jsonPath: string, more: Partial<PrinterColumn> = {}): PrinterColumn {
  return { name, type: "string", jsonPath, ...more };
}

const wide = { priority: 1 };
const canaryColumns = [
  column("Status", ".status.phase"),
  column("Weight", ".status.canaryWeight"),
  column("Suspended", ".spec.suspend", { type: "boolean", priority: 1 }),
  column("FailedChecks", ".status.failedChecks", wide),
  column("Interval", ".spec.analysis.interval", wide),
  column("Mirror", ".spec.analysis.mirror", { type: "boolean", priority: 1 }),
  column("StepWeight", ".spec.analysis.stepWeight", wide),
  column("StepWeights", ".spec.analysis.stepWeights", wide),
  column("MaxWeight", ".spec.analysis.maxWeight", wide),
  column("LastTransitionTime", ".status.lastTransitionTime"),
  column("Served", ".status.servedWeight", wide),
];

const metricProvider = object(
  {
    type: oneOf(
      "prometheus",
      "influxdb",
      "datadog",
      "externalmetrics",
      "stackdriver",
      "cloudwatch",
      "newrelic",
      "graphite",
      "dynatrace",
      "keptn",
      "splunk",
    ),
    address: text,
    headers: mapOf(arrayOf(text)),
    secretRef: object({ name: text }, ["name"]),
    region: text,
    insecureSkipVerify: bool,
  },
  ["type"],
);

/** The last three types are ours. Upstream refuses address and Secret together, which its documentation shows. */
const alertProviderSpec: Schema = {
  ...object({
    type: oneOf("slack", "msteams", "discord", "rocket", "gchat", "pagerduty", "webhook", "github"),
    channel: described("A channel; with `github` the repository as owner/name.", text),
    username: text,
    address: text,
    proxy: described("An HTTP proxy on the way to the address.", text),
    secretRef: described("A Secret with the keys `address` and `token`.", object({ name: text }, ["name"])),
  }),
  anyOf: [{ required: ["type", "address"] }, { required: ["type", "secretRef"] }],
};

const statusConditions = object({
  conditions: arrayOf(
    object({
      type: text,
      status: text,
      reason: text,
      message: text,
      lastUpdateTime: dateTime,
      lastTransitionTime: dateTime,
    }),
  ),
});

const common = {
  group: "flagger.app",
  versions: ["v1beta1"],
  categories: ["all"],
  annotations: { "helm.sh/resource-policy": "keep" },
};

/** The CustomResourceDefinitions Canary, MetricTemplate and AlertProvider. */
export function flaggerCrds(): readonly KubeObject[] {
  return [
    buildCrd({
      ...common,
      kind: "Canary",
      plural: "canaries",
      description: "A workload and how each new version of it is released.",
      columns: canaryColumns,
      spec: canarySpec,
      status: canaryStatus,
    }),
    buildCrd({
      ...common,
      kind: "MetricTemplate",
      description: "A query that analyses share, and where it is asked.",
      columns: [column("Provider", ".spec.provider.type")],
      spec: object(
        {
          provider: metricProvider,
          query: text,
          counts: described(
            "Queries for raw counters of both copies, for a sequential analysis.",
            object({ bad: text, total: text }, ["bad", "total"]),
          ),
          scalar: described(
            "How the number of each copy is compared in a sequential analysis.",
            object({ worse: oneOf("higher", "lower"), scale: oneOf("ratio", "difference"), margin: number }, ["worse"]),
          ),
        },
        ["provider", "query"],
      ),
      status: statusConditions,
    }),
    buildCrd({
      ...common,
      kind: "AlertProvider",
      description: "Where alerts go.",
      columns: [column("Type", ".spec.type")],
      spec: alertProviderSpec,
      status: statusConditions,
    }),
  ];
}
