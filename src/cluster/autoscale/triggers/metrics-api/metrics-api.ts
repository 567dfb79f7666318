import { messageOf, type Result } from "#base";
import { unreadable } from "../clients/client-failure.ts";
import { hintOf, type HttpAuthentication, readAuthentication } from "../clients/http-authentication.ts";
import { createHttpClient, type HttpClient, httpUrl } from "../clients/http-client.ts";
import { secretsOfUrl } from "../clients/url-login.ts";
import { type NumberReader, numberReader, type ValueFormat } from "../clients/values/read-number.ts";
import { externalTargetType } from "../parameters/target-type.ts";
import { positiveTarget } from "../parameters/thresholds.ts";
import type { TriggerConfig } from "../parameters/trigger-config.ts";
import type { ExternalMetricSpec, TriggerKind, TriggerOptions, TriggerWorld } from "../trigger.ts";
import { type Aggregation, aggregate, aggregations, endpointUrls, serviceOf } from "./service-endpoints.ts";

const formats: readonly ValueFormat[] = ["prometheus", "json", "xml", "yaml"];

/** Follows a number in the answer of any HTTP server. Source: keda-hpa-spec 15.9. */
export const metricsApi: TriggerKind = {
  types: ["metrics-api"],
  canCache: true,
  async build(options, world) {
    const { config, scaledObject } = options;
    const settings = await settingsOf(options);
    const authentication = readAuthentication(config, ["apiKey", "basic", "bearer"]);
    const timeoutMs = config.durationMs("timeout");
    config.end();
    const client = createHttpClient({
      world,
      namespace: scaledObject.namespace,
      tls: authentication.tls,
      timeoutMs,
      headers: authentication.headers,
      secrets: [...authentication.secrets, ...secretsOfUrl(settings.url)],
    });
    const ask: Ask = { settings, authentication, client };
    return {
      kind: "external",
      metrics: () => Promise.resolve([settings.metric]),
      async read(_, signal) {
        const value = await valueOf(ask, world, signal);
        return { values: [value], isActive: value > settings.activation };
      },
      close: () => client.close(),
    };
  },
};

interface Settings {
  readonly metric: ExternalMetricSpec;
  readonly url: URL;
  readonly reader: NumberReader;
  readonly activation: number;
  /** How the values of a Service's endpoints become one; undefined when the URL itself is asked. */
  readonly aggregation: Aggregation | undefined;
}

interface Ask {
  readonly settings: Settings;
  readonly authentication: HttpAuthentication;
  readonly client: HttpClient;
}

async function settingsOf(options: TriggerOptions): Promise<Settings> {
  const { config } = options;
  const address = httpUrl(config.text("url", { isRequired: true }));
  if (!address.ok && config.text("url") !== undefined) config.mistake(`parameter "url" ${address.error}`);
  const url = address.ok ? address.value : new URL("http://unset.unset");
  const location = config.text("valueLocation", { isRequired: true });
  const aggregation = config.choice("aggregationType", aggregations) ?? "average";
  const isAggregated = config.flag("aggregateFromKubeServiceEndpoints") ?? false;
  if (isAggregated && serviceOf(url) === undefined)
    config.mistake(`parameter "url" must have a host SERVICE.NAMESPACE to aggregate from, received "${url.hostname}"`);
  return {
    metric: {
      name: `metric-api-${location}`,
      target: positiveTarget("targetValue", options),
      targetType: externalTargetType(options),
      isWhole: false,
    },
    url,
    reader: await readerOf(config, location),
    activation: config.number("activationTargetValue") ?? 0,
    aggregation: isAggregated ? aggregation : undefined,
  };
}

async function readerOf(config: TriggerConfig, location: string): Promise<NumberReader> {
  const format = config.choice("format", formats) ?? "json";
  const reader: Result<NumberReader, string> =
    location === "" ? { ok: false, error: "" } : await numberReader(format, location);
  if (reader.ok) return reader.value;
  // One that is missing has been said.
  if (location !== "") config.mistake(`parameter "valueLocation" value "${location}" cannot be used: ${reader.error}`);
  return () => reader;
}

async function valueOf(ask: Ask, world: TriggerWorld, signal: AbortSignal): Promise<number> {
  const { url, aggregation } = ask.settings;
  if (aggregation === undefined) return readOne(ask, url, signal);
  const urls = endpointUrls(url, world);
  if (urls.length === 0) throw unreadable(`Service "${url.hostname}" has no ready endpoint to ask`);
  const outcome = await aggregate(urls, aggregation, (one) => readOne(ask, one, signal));
  if (outcome.kind === "value") {
    if (outcome.failedCount > 0)
      world.log.warn("Some endpoints of a metrics-api trigger gave no value", {
        failedCount: outcome.failedCount,
        endpointCount: urls.length,
      });
    return outcome.value;
  }
  throw unreadable(`none of ${urls.length} endpoints gave a value; the first: ${messageOf(outcome.reason)}`);
}

async function readOne({ settings, authentication, client }: Ask, url: URL, signal: AbortSignal): Promise<number> {
  const target = new URL(url);
  for (const [name, value] of Object.entries(authentication.parameters)) target.searchParams.set(name, value);
  const { status, text, contentType } = await client.get(target, signal);
  const where = `${url.protocol}//${url.host}${url.pathname}`;
  if (status !== 200)
    throw unreadable(`${where}: api returned ${status}${hintOf(status, authentication, "metrics-api")}`);
  const value = settings.reader(text, contentType);
  if (!value.ok) throw unreadable(`the answer of ${where} cannot be used: ${client.shown(value.error)}`);
  return value.value;
}
