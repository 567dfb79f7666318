import { unreadable } from "../clients/client-failure.ts";
import { hintOf, type HttpAuthentication, isHeaderName, readAuthentication } from "../clients/http-authentication.ts";
import { createHttpClient, type HttpAnswer, type HttpClient, httpUrl } from "../clients/http-client.ts";
import { secretsOfUrl } from "../clients/url-login.ts";
import { refusePodIdentity } from "../parameters/pod-identity.ts";
import { externalTargetType } from "../parameters/target-type.ts";
import { positiveTarget } from "../parameters/thresholds.ts";
import { valueOfAnswer } from "./prometheus-result.ts";
import type { TriggerConfig } from "../parameters/trigger-config.ts";
import type { ExternalMetricSpec, TriggerKind, TriggerOptions, TriggerReading, TriggerWorld } from "../trigger.ts";

/** Follows the answer to an instant query. Source: keda-hpa-spec 15.1. */
export const prometheus: TriggerKind = {
  types: ["prometheus"],
  canCache: true,
  build(options, world) {
    const { config, scaledObject } = options;
    const settings = settingsOf(options);
    const authentication = readAuthentication(config, ["bearer", "basic", "custom"]);
    refuseCloudIdentities(options, authentication);
    const timeoutMs = config.durationMs("timeout");
    config.end();
    const client = createHttpClient({
      world,
      namespace: scaledObject.namespace,
      tls: authentication.tls,
      timeoutMs,
      headers: { ...settings.headers, ...authentication.headers },
      secrets: [...authentication.secrets, ...secretsOfUrl(settings.url), ...keysIn(settings.headers)],
    });
    const ask: Ask = { settings, authentication, client, clock: world.clock };
    return Promise.resolve({
      kind: "external",
      metrics: () => Promise.resolve([settings.metric]),
      read: (_, signal) => read(ask, signal),
      close: () => client.close(),
    });
  },
};

interface Settings {
  readonly metric: ExternalMetricSpec;
  /** The address with the path of the API and what is always asked. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly activation: number;
  readonly isNullIgnored: boolean;
}

function settingsOf(options: TriggerOptions): Settings {
  const { config } = options;
  const address = httpUrl(config.text("serverAddress", { isRequired: true }));
  if (!address.ok && config.text("serverAddress") !== undefined)
    config.mistake(`parameter "serverAddress" ${address.error}`);
  const url = address.ok ? address.value : new URL("http://unset");
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/api/v1/query`;
  url.searchParams.set("query", config.text("query", { isRequired: true }));
  // Given to a proxy that keeps tenants apart, such as that of Thanos.
  const namespace = config.text("namespace");
  if (namespace !== undefined) url.searchParams.append("namespace", namespace);
  for (const [name, value] of Object.entries(config.map("queryParameters") ?? {})) url.searchParams.append(name, value);
  return {
    metric: {
      name: "prometheus",
      target: positiveTarget("threshold", options),
      targetType: externalTargetType(options),
      isWhole: false,
    },
    url,
    headers: customHeaders(config),
    activation: config.number("activationThreshold") ?? 0,
    isNullIgnored: config.flag("ignoreNullValues") ?? true,
  };
}

function customHeaders(config: TriggerConfig): Readonly<Record<string, string>> {
  const headers = Object.entries(config.map("customHeaders") ?? {});
  const wrong = headers.find(([name]) => !isHeaderName(name));
  if (wrong !== undefined) config.mistake(`parameter "customHeaders": "${wrong[0]}" is no name of a header`);
  return Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
}

/** A header may hold a key. What is short is none, and hiding it would spoil every message that has the same digit. */
function keysIn(headers: Readonly<Record<string, string>>): readonly string[] {
  return Object.values(headers).filter((value) => value.length >= 8);
}

/** Signatures and tokens of a cloud are not executed; without them every query would be refused. */
function refuseCloudIdentities(options: TriggerOptions, { isAny }: HttpAuthentication): void {
  const { config, podIdentity = "none" } = options;
  if (podIdentity !== "none" && isAny) config.mistake("podIdentity and authModes exclude each other");
  if (isAny) return;
  const advice = "use a Prometheus that takes authModes, or none";
  const notExecuted = `is not executed by the embedded cluster; ${advice}`;
  refusePodIdentity(options, advice);
  if (config.text("awsRegion", { from: ["metadata", "auth"] }) !== undefined)
    config.mistake(`parameter "awsRegion" asks for requests that are signed for AWS, which ${notExecuted}`);
  if (config.text("GoogleApplicationCredentials", { from: ["auth"] }) !== undefined)
    config.mistake(`parameter "GoogleApplicationCredentials" asks for tokens of Google, which ${notExecuted}`);
}

interface Ask {
  readonly settings: Settings;
  readonly authentication: HttpAuthentication;
  readonly client: HttpClient;
  readonly clock: TriggerWorld["clock"];
}

async function read({ settings, authentication, client, clock }: Ask, signal: AbortSignal): Promise<TriggerReading> {
  const url = new URL(settings.url);
  url.searchParams.set("time", new Date(clock.nowMs()).toISOString().replace(/\.\d+Z$/, "Z"));
  const answer = await client.get(url, signal);
  const message = refusalOf(answer, client) + hintOf(answer.status, authentication, "prometheus");
  if (message !== "") throw unreadable(message);
  const value = valueOfAnswer(answer.text, settings.isNullIgnored);
  if (!value.ok) throw unreadable(`prometheus query cannot be used: ${value.error}`);
  return { values: [value.value], isActive: value.value > settings.activation };
}

function refusalOf({ status, text }: HttpAnswer, client: HttpClient): string {
  if (status >= 200 && status < 300) return "";
  return `prometheus query api returned error. status: ${status} ${client.shown(errorIn(text))}`.trim();
}

/** What Prometheus says of a query that it cannot answer. */
function errorIn(text: string): string {
  const match = /"error"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(text.slice(0, 10_000));
  try {
    return match?.[1] === undefined ? "" : String(JSON.parse(match[1]));
  } catch {
    return "";
  }
}
