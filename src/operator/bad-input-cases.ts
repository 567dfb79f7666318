import type { Canary, CanaryAnalysis, KubeObject } from "#api";
import { canary, daemonSet } from "./rehearsal-objects.ts";

/** One wrong field; everything else of the Canary is right. For tests. */
export interface BadInput {
  readonly title: string;
  readonly path: string;
  readonly spec?: Partial<Canary["spec"]>;
  readonly analysis?: Partial<CanaryAnalysis>;
  /** Created beside the Canary. */
  readonly objects?: readonly KubeObject[];
  /** Created when the mistake is to be mended; absent: the Canary's spec is corrected. */
  readonly mend?: readonly KubeObject[];
}

const hook = { name: "load", url: "http://tester.test/" } as const;
const affinity = { cookieName: "canary" } as const;
const target = canary.spec.targetRef;

function metric(entry: object): Partial<CanaryAnalysis> {
  return { metrics: [{ name: "errors", ...entry }] };
}

function templated(name: string): Partial<CanaryAnalysis> {
  return metric({ templateRef: { name }, thresholdRange: { max: 1 } });
}

function alerting(name: string): Partial<CanaryAnalysis> {
  return { alerts: [{ name: "chat", providerRef: { name } }] };
}

function template(name: string, provider: object, query = "sum(up)"): KubeObject {
  return object("MetricTemplate", name, { provider, query });
}

function object(kind: string, name: string, spec: object): KubeObject {
  return { apiVersion: "flagger.app/v1beta1", kind, metadata: { name }, spec } as KubeObject;
}

export function secret(name: string, values: Readonly<Record<string, string>>): KubeObject {
  const encoded = Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
  return { apiVersion: "v1", kind: "Secret", metadata: { name }, data: Object.fromEntries(encoded) } as KubeObject;
}

function service(fields: Partial<NonNullable<Canary["spec"]["service"]>>): Partial<Canary["spec"]> {
  return { service: { port: 9898, ...fields } };
}

const gateway = { provider: "gatewayapi:v1", ...service({ gatewayRefs: [{ name: "entry" }] }) };
const abTest = (match: NonNullable<CanaryAnalysis["match"]>[number]): Partial<CanaryAnalysis> => ({
  iterations: 2,
  match: [match],
});
const ingress = {
  apiVersion: "networking.k8s.io/v1",
  kind: "Ingress",
  metadata: { name: "elsewhere" },
  spec: { defaultBackend: { service: { name: "other", port: { number: 80 } } } },
} as KubeObject;
const ingressRef = { apiVersion: "networking.k8s.io/v1", kind: "Ingress" };
const prometheus = { type: "prometheus", address: "http://127.0.0.1:1" };

/** Fields whose value says itself what is wrong: numbers, durations, names. */
const values: readonly BadInput[] = [
  { title: "a fraction", path: "spec.analysis.stepWeight", analysis: { stepWeight: 10.5 } },
  { title: "a negative step", path: "spec.analysis.stepWeight", analysis: { stepWeight: -5 } },
  { title: "a fraction of a check", path: "spec.analysis.threshold", analysis: { threshold: 1.5 } },
  { title: "a weight above all", path: "spec.analysis.maxWeight", analysis: { maxWeight: 101 } },
  { title: "a negative weight", path: "spec.analysis.maxWeight", analysis: { maxWeight: -1 } },
  { title: "negative iterations", path: "spec.analysis.iterations", analysis: { iterations: -1 } },
  { title: "half an iteration", path: "spec.analysis.iterations", analysis: { iterations: 0.5 } },
  { title: "a way back above all", path: "spec.analysis.stepWeightPromotion", analysis: { stepWeightPromotion: 200 } },
  {
    title: "a share of ready pods",
    path: "spec.analysis.primaryReadyThreshold",
    analysis: { primaryReadyThreshold: -1 },
  },
  { title: "a share of pods", path: "spec.analysis.canaryReadyThreshold", analysis: { canaryReadyThreshold: 101 } },
  { title: "a mirror above all", path: "spec.analysis.mirrorWeight", analysis: { mirrorWeight: 101 } },
  { title: "no step", path: "spec.analysis.stepWeight", analysis: { stepWeight: 0 } },
  {
    title: "steps that fall",
    path: "spec.analysis.stepWeights[1]",
    analysis: { stepWeight: 0, stepWeights: [20, 10] },
  },
  { title: "a step of zero", path: "spec.analysis.stepWeights[0]", analysis: { stepWeight: 0, stepWeights: [0, 10] } },
  { title: "an interval of nothing", path: "spec.analysis.interval", analysis: { interval: "0s" } },
  { title: "an interval with a tail", path: "spec.analysis.interval", analysis: { interval: "1min" } },
  {
    title: "a deadline of half a second",
    path: "spec.progressDeadlineSeconds",
    spec: { progressDeadlineSeconds: 0.5 },
  },
  { title: "no deadline", path: "spec.progressDeadlineSeconds", spec: { progressDeadlineSeconds: 0 } },
  { title: "a server that is no address", path: "spec.metricsServer", spec: { metricsServer: "prometheus:9090" } },
  { title: "port 0", path: "spec.service.port", spec: service({ port: 0 }) },
  { title: "a port too high", path: "spec.service.port", spec: service({ port: 70_000 }) },
  { title: "half a port", path: "spec.service.port", spec: service({ port: 80.5 }) },
  { title: "target port 0", path: "spec.service.targetPort", spec: service({ targetPort: 0 }) },
  { title: "a target port in quotes", path: "spec.service.targetPort", spec: service({ targetPort: "9898" }) },
  { title: "a name that no port has", path: "spec.service.targetPort", spec: service({ targetPort: "my_port" }) },
  { title: "a port's name", path: "spec.service.portName", spec: service({ portName: "HTTP!" }) },
  { title: "a name that no Service has", path: "spec.service.name", spec: service({ name: "Web_1" }) },
  { title: "a timeout", path: "spec.service.timeout", spec: service({ timeout: "soon" }) },
  {
    title: "a time for tries",
    path: "spec.service.retries.perTryTimeout",
    spec: service({ retries: { perTryTimeout: "1" } }),
  },
  { title: "negative tries", path: "spec.service.retries.attempts", spec: service({ retries: { attempts: -1 } }) },
  {
    title: "a delegate with hosts",
    path: "spec.service.delegation",
    spec: service({ delegation: true, hosts: ["a.test"] }),
  },
  {
    title: "a delegate with gateways",
    path: "spec.service.delegation",
    spec: service({ delegation: true, gateways: ["a"] }),
  },
  {
    title: "a cookie without a name",
    path: "spec.analysis.sessionAffinity.cookieName",
    analysis: { sessionAffinity: { cookieName: "" } },
  },
  {
    title: "a cookie's name with a space",
    path: "spec.analysis.sessionAffinity.cookieName",
    analysis: { sessionAffinity: { cookieName: "a b" } },
  },
  {
    title: "one cookie for both",
    path: "spec.analysis.sessionAffinity.primaryCookieName",
    analysis: { sessionAffinity: { ...affinity, primaryCookieName: "canary" } },
  },
  {
    title: "a cookie of no age",
    path: "spec.analysis.sessionAffinity.maxAge",
    analysis: { sessionAffinity: { ...affinity, maxAge: 0 } },
  },
  {
    title: "a cookie's path",
    path: "spec.analysis.sessionAffinity.path",
    analysis: { sessionAffinity: { ...affinity, path: "/;x" } },
  },
];

const hooks: readonly BadInput[] = [
  {
    title: "a hook without a name",
    path: "spec.analysis.webhooks[0].name",
    analysis: { webhooks: [{ ...hook, name: "" }] },
  },
  {
    title: "a hook without an address",
    path: "spec.analysis.webhooks[0].url",
    analysis: { webhooks: [{ ...hook, url: "" }] },
  },
  {
    title: "a hook by FTP",
    path: "spec.analysis.webhooks[1].url",
    analysis: { webhooks: [hook, { ...hook, url: "ftp://a.test" }] },
  },
  {
    title: "a hook of no scheme",
    path: "spec.analysis.webhooks[0].url",
    analysis: { webhooks: [{ ...hook, url: "tester/" }] },
  },
  {
    title: "a hook that has no time",
    path: "spec.analysis.webhooks[0].timeout",
    analysis: { webhooks: [{ ...hook, timeout: "0s" }] },
  },
  {
    title: "half a retry",
    path: "spec.analysis.webhooks[0].retries",
    analysis: { webhooks: [{ ...hook, retries: 0.5 }] },
  },
];

const metrics: readonly BadInput[] = [
  { title: "a metric without a name", path: "spec.analysis.metrics[0].name", analysis: metric({ name: "" }) },
  { title: "a metric that is not known", path: "spec.analysis.metrics[0]", analysis: metric({}) },
  {
    title: "an empty range",
    path: "spec.analysis.metrics[0].thresholdRange",
    analysis: metric({ query: "up", thresholdRange: { min: 2, max: 1 } }),
  },
  {
    title: "a window of nothing",
    path: "spec.analysis.metrics[0].interval",
    analysis: metric({ query: "up", interval: "0s" }),
  },
  {
    title: "a query that does not end",
    path: "spec.analysis.metrics[0].query",
    analysis: metric({ query: "up{{ if }}" }),
  },
  {
    title: "a query of a word that is none",
    path: "spec.analysis.metrics[0].query",
    analysis: metric({ query: "{{ colour }}" }),
  },
  { title: "a template without a name", path: "spec.analysis.metrics[0].templateRef.name", analysis: templated("") },
  {
    title: "no template",
    path: "spec.analysis.metrics[0].templateRef",
    analysis: templated("later"),
    mend: [template("later", prometheus)],
  },
  {
    title: "a template of a type that is not executed",
    path: "spec.analysis.metrics[0].templateRef",
    analysis: templated("splunk"),
    objects: [template("splunk", { type: "splunk", address: "http://a.test" })],
  },
  {
    title: "a template without an address",
    path: "spec.analysis.metrics[0].templateRef",
    analysis: templated("nowhere"),
    objects: [template("nowhere", { type: "prometheus" })],
  },
  {
    title: "a template with a bad address",
    path: "spec.analysis.metrics[0].templateRef",
    analysis: templated("no-url"),
    objects: [template("no-url", { type: "graphite", address: "graphite:80" })],
  },
  {
    title: "a template of a bad scheme",
    path: "spec.analysis.metrics[0].templateRef",
    analysis: templated("ftp"),
    objects: [template("ftp", { type: "prometheus", address: "ftp://a.test" })],
  },
  {
    title: "a template without its Secret",
    path: "spec.analysis.metrics[0].templateRef",
    analysis: templated("secretless"),
    objects: [template("secretless", { ...prometheus, secretRef: { name: "absent" } })],
    mend: [secret("absent", { token: "t" })],
  },
  {
    title: "a template that needs a Secret",
    path: "spec.analysis.metrics[0].templateRef",
    analysis: templated("keyless"),
    objects: [template("keyless", { type: "datadog" })],
  },
  {
    title: "a Secret without the key",
    path: "spec.analysis.metrics[0].templateRef",
    analysis: templated("wrong-key"),
    objects: [secret("wrong", { key: "x" }), template("wrong-key", { type: "newrelic", secretRef: { name: "wrong" } })],
  },
  {
    title: "a Secret of Prometheus without a key",
    path: "spec.analysis.metrics[0].templateRef",
    analysis: templated("no-token"),
    objects: [secret("other", { key: "x" }), template("no-token", { ...prometheus, secretRef: { name: "other" } })],
  },
  {
    title: "a template with a mistake",
    path: "spec.analysis.metrics[0].templateRef",
    analysis: templated("mistake"),
    objects: [template("mistake", prometheus, "sum({{ target")],
  },
  {
    title: "a variable that is not set",
    path: "spec.analysis.metrics[0].templateRef",
    analysis: templated("variable"),
    objects: [template("variable", prometheus, "sum({{ variables.zone }})")],
  },
  {
    title: "a header that cannot be sent",
    path: "spec.analysis.metrics[0].templateRef",
    analysis: templated("header"),
    objects: [template("header", { ...prometheus, headers: { "X Scope": ["a"] } })],
  },
  {
    title: "a header of two lines",
    path: "spec.analysis.metrics[0].templateRef",
    analysis: templated("lines"),
    objects: [template("lines", { ...prometheus, headers: { "X-Scope": ["a\nb"] } })],
  },
  {
    title: "no region",
    path: "spec.analysis.metrics[0].templateRef",
    analysis: templated("region"),
    objects: [template("region", { type: "cloudwatch" }, "[]")],
  },
  {
    title: "no query of CloudWatch",
    path: "spec.analysis.metrics[0].templateRef",
    analysis: templated("no-json"),
    objects: [template("no-json", { type: "cloudwatch", region: "eu-west-1" }, "{")],
  },
];

const alerts: readonly BadInput[] = [
  {
    title: "no AlertProvider",
    path: "spec.analysis.alerts[0].providerRef.name",
    analysis: alerting("chat"),
    mend: [object("AlertProvider", "chat", { type: "slack", address: "http://127.0.0.1:1/chat" })],
  },
  {
    title: "an AlertProvider without its Secret",
    path: "spec.analysis.alerts[0].providerRef",
    analysis: alerting("hidden"),
    objects: [object("AlertProvider", "hidden", { type: "slack", secretRef: { name: "hidden" } })],
    mend: [secret("hidden", { address: "http://127.0.0.1:1/chat" })],
  },
  {
    title: "an AlertProvider whose Secret has other keys",
    path: "spec.analysis.alerts[0].providerRef",
    analysis: alerting("other-keys"),
    objects: [
      secret("url", { url: "http://a.test" }),
      object("AlertProvider", "other-keys", { type: "slack", secretRef: { name: "url" } }),
    ],
  },
  {
    title: "an AlertProvider with a bad address",
    path: "spec.analysis.alerts[0].providerRef",
    analysis: alerting("no-url"),
    objects: [object("AlertProvider", "no-url", { type: "slack", address: "chat" })],
  },
  {
    title: "an AlertProvider with a bad proxy",
    path: "spec.analysis.alerts[0].providerRef",
    analysis: alerting("no-proxy"),
    objects: [object("AlertProvider", "no-proxy", { type: "slack", address: "http://a.test", proxy: "proxy" })],
  },
  {
    title: "PagerDuty without a key",
    path: "spec.analysis.alerts[0].providerRef",
    analysis: alerting("pager"),
    objects: [object("AlertProvider", "pager", { type: "pagerduty", address: "http://a.test" })],
  },
  {
    title: "GitHub without a repository",
    path: "spec.analysis.alerts[0].providerRef",
    analysis: alerting("git"),
    objects: [
      secret("git", { token: "t" }),
      object("AlertProvider", "git", { type: "github", secretRef: { name: "git" } }),
    ],
  },
];

const references: readonly BadInput[] = [
  {
    title: "no target",
    path: "spec.targetRef.name",
    spec: { targetRef: { ...target, name: "nobody" }, ...service({ name: "nobody-svc" }) },
  },
  { title: "a provider that is not executed", path: "spec.provider", spec: { provider: "contour" } },
  {
    title: "a Service with an autoscaler",
    path: "spec.autoscalerRef",
    spec: {
      targetRef: { ...target, kind: "Service", name: "plain" },
      autoscalerRef: { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", name: "a" },
    },
  },
  {
    title: "no autoscaler",
    path: "spec.autoscalerRef.name",
    spec: { autoscalerRef: { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", name: "nobody" } },
  },
  {
    title: "an autoscaler of a kind that is not served",
    path: "spec.autoscalerRef.kind",
    spec: { autoscalerRef: { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", name: "a" } },
  },
  {
    title: "bounds of the autoscaler",
    path: "spec.autoscalerRef.primaryScalerReplicas",
    spec: {
      autoscalerRef: {
        apiVersion: "autoscaling/v2",
        kind: "HorizontalPodAutoscaler",
        name: "a",
        primaryScalerReplicas: { minReplicas: 3, maxReplicas: 2 },
      },
    },
  },
  {
    title: "a Knative target",
    path: "spec.targetRef.apiVersion",
    spec: { targetRef: { apiVersion: "serving.knative.dev/v1", kind: "Service", name: "knative" } },
  },
  {
    title: "a target that another Canary has",
    path: "spec.targetRef",
    spec: { targetRef: { ...target, name: "web" }, ...service({ name: "twin" }) },
  },
  {
    title: "a DaemonSet that gives no pods",
    path: "daemonset bad/held spec.updateStrategy.type",
    spec: { targetRef: { ...target, kind: "DaemonSet", name: "held" } },
    objects: [
      { ...daemonSet, metadata: { name: "held" }, spec: { ...daemonSet.spec, updateStrategy: { type: "OnDelete" } } },
    ],
  },
];

const routes: readonly BadInput[] = [
  {
    title: "no Gateway",
    path: "spec.service.gatewayRefs",
    spec: { provider: "gatewayapi:v1", ...service({ gatewayRefs: [] }) },
  },
  {
    title: "a condition of the Gateway API",
    path: "spec.analysis.match[0].headers.x-user",
    spec: gateway,
    analysis: abTest({ headers: { "x-user": { prefix: "a" } } }),
  },
  {
    title: "labels of clients",
    path: "spec.analysis.match[0].sourceLabels",
    spec: gateway,
    analysis: abTest({ headers: { a: { exact: "b" } }, sourceLabels: { app: "x" } }),
  },
  { title: "a condition that always holds", path: "spec.analysis.match[0]", analysis: abTest({ headers: {} }) },
  { title: "no Ingress", path: "spec.ingressRef.name", spec: { provider: "nginx" } },
  {
    title: "an Ingress that is not there",
    path: "spec.ingressRef.name",
    spec: { provider: "nginx", ingressRef: { ...ingressRef, name: "nobody" } },
  },
  {
    title: "an Ingress that leads elsewhere",
    path: "spec.ingressRef.name",
    spec: { provider: "nginx", ingressRef: { ...ingressRef, name: "elsewhere" } },
    objects: [ingress],
  },
  {
    title: "mirrored connections",
    path: "spec.analysis.mirror",
    spec: service({ appProtocol: "tcp" }),
    analysis: { mirror: true },
  },
];

export const badInputs: readonly BadInput[] = [...values, ...hooks, ...metrics, ...alerts, ...references, ...routes];
