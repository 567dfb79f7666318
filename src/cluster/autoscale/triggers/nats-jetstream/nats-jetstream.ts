import { clientFailure, unreadable } from "../clients/client-failure.ts";
import { countField } from "../parameters/thresholds.ts";
import { boundOf, withDeadline } from "../clients/deadline.ts";
import { refusePodIdentity } from "../parameters/pod-identity.ts";
import { externalTargetType } from "../parameters/target-type.ts";
import { createHttpClient, type HttpClient, jsonOf } from "../clients/http-client.ts";
import type { ConfigSource, TriggerConfig } from "../parameters/trigger-config.ts";
import type { ExternalTrigger, TriggerKind, TriggerOptions, TriggerWorld } from "../trigger.ts";
import {
  clusterSizeIn,
  type ConsumerName,
  type ConsumerSight,
  consumerIn,
  serverIn,
  type ServerSight,
} from "./monitoring.ts";

/** Messages that a consumer of a JetStream stream has before it, from NATS' monitoring. Source: keda-hpa-spec 15.8. */
export const natsJetStream: TriggerKind = { types: ["nats-jetstream"], canCache: true, build: buildNatsJetStream };

/** Names of streams and consumers are short; some hundred streams of an account fit. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

const order: readonly ConfigSource[] = ["auth", "metadata"];

function buildNatsJetStream(options: TriggerOptions, world: TriggerWorld): Promise<ExternalTrigger> {
  const { config } = options;
  const endpoint = config.text("natsServerMonitoringEndpoint", { from: order, isRequired: true });
  const isSecure = config.flag("useHttps") ?? false;
  const name = readName(config);
  const lagThreshold = countField(config, "lagThreshold", { fallback: 10, least: 1 });
  const activation = countField(config, "activationLagThreshold", { fallback: 0, least: 0 });
  const targetType = externalTargetType(options);
  refusePodIdentity(options);
  const base = readEndpoint(config, endpoint, isSecure);
  config.end();
  const monitor = new Monitor({ base, name, world, namespace: options.scaledObject.namespace });
  const metric = { name: `nats-jetstream-${name.stream}`, target: lagThreshold, targetType, isWhole: true };
  return Promise.resolve({
    kind: "external",
    metrics: () => Promise.resolve([metric]),
    async read(_, signal) {
      const lag = await monitor.lag(signal);
      return { values: [lag], isActive: lag > activation };
    },
    // It holds no connection of its own: those of the world's client outlive it.
    close: () => Promise.resolve(),
  });
}

function readName(config: TriggerConfig): ConsumerName {
  const account = config.text("account", { from: order });
  const accountId = config.text("accountID", { from: order }) ?? account;
  if (accountId === undefined)
    config.mistake('no account is given; set "account" to its name or "accountID" to its id');
  const stream = config.text("stream", { isRequired: true });
  const consumer = config.text("consumer", { isRequired: true });
  return { account, accountId: accountId ?? "", stream, consumer };
}

/** The address of the monitoring port: a host and a port, and perhaps a path before the pages, as behind a proxy. */
function readEndpoint(config: TriggerConfig, endpoint: string, isSecure: boolean): URL {
  const text = `${isSecure ? "https" : "http"}://${endpoint}`;
  const isAddress = URL.canParse(text) && !endpoint.includes("://") && !/[?#@]/.test(endpoint);
  if (isAddress) return new URL(text);
  if (endpoint !== "")
    config.mistake(`natsServerMonitoringEndpoint "${endpoint.replace(/.*@/, "***@")}" is not host:port`);
  return new URL("http://localhost");
}

/** Asks the servers, and remembers which of them leads the consumer: the others are behind it. */
class Monitor {
  readonly #base: URL;
  readonly #name: ConsumerName;
  readonly #world: TriggerWorld;
  readonly #client: HttpClient;
  /** The leader found last, and where it is. */
  #leader: { readonly host: string; readonly name: string } | undefined;

  constructor(options: { base: URL; name: ConsumerName; world: TriggerWorld; namespace: string }) {
    this.#base = options.base;
    this.#name = options.name;
    this.#world = options.world;
    this.#client = createHttpClient({
      world: options.world,
      namespace: options.namespace,
      maxBodyBytes: MAX_BODY_BYTES,
    });
  }

  /** @throws Failure `TriggerUnreadable` */
  async lag(signal: AbortSignal): Promise<number> {
    const action = `read consumer "${this.#name.consumer}" of stream "${this.#name.stream}" from NATS at ${this.#base.host}`;
    const bound = boundOf(this.#world, signal);
    try {
      // Several servers may have to be asked; each may take as long as the whole.
      return await withDeadline({ ...bound, timeoutMs: bound.timeoutMs * 2 }, (ending) => this.#find(ending));
    } catch (thrown) {
      this.#leader = undefined;
      throw clientFailure(action, thrown, []);
    }
  }

  async #find(signal: AbortSignal): Promise<number> {
    const known = this.#leader;
    if (known !== undefined) {
      const { sight } = await this.#look(known.host, signal);
      if (sight.kind === "found" && sight.leader === known.name) return sight.lag;
      this.#leader = undefined;
    }
    const first = await this.#look(this.#base.host, signal);
    if (first.clusterSize <= 1) return lagOf(first.sight, this.#name);
    const self = await this.#server(this.#base.host, signal);
    if (first.sight.kind === "found" && first.sight.leader === self.name) {
      this.#leader = { host: this.#base.host, name: self.name };
      return first.sight.lag;
    }
    return this.#askMembers(self, signal);
  }

  /** The consumer's leader is another member of the cluster, or this one does not know the consumer. */
  async #askMembers(self: ServerSight, signal: AbortSignal): Promise<number> {
    let last: ConsumerSight = { kind: "absent", missing: "consumer" };
    for (const host of this.#hostsOf(self)) {
      const { sight } = await this.#look(host, signal);
      last = sight.kind === "found" ? sight : last;
      if (sight.kind !== "found") continue;
      const { name } = await this.#server(host, signal);
      if (name !== sight.leader) continue;
      this.#leader = { host, name };
      return sight.lag;
    }
    if (last.kind === "found") throw unreadable(`none of the servers leads it, "${last.leader ?? ""}" should`);
    return lagOf(last, this.#name);
  }

  /** Monitoring listens on the same port of every member. A member without an advertised host is a pod behind the Service. */
  #hostsOf({ clientUrls, routeUrls }: ServerSight): string[] {
    const port = this.#base.port === "" ? "" : `:${this.#base.port}`;
    if (clientUrls.length > 0) return clientUrls.map((url) => `${withoutPort(url)}${port}`);
    return routeUrls.map((url) => `${withoutPort(url).split(".")[0] ?? ""}.${this.#base.host}`);
  }

  async #look(host: string, signal: AbortSignal): Promise<{ sight: ConsumerSight; clusterSize: number }> {
    const query = new URLSearchParams({ acc: this.#name.accountId, consumers: "true", config: "true" });
    const answer = await this.#get(host, `jsz?${query.toString()}`, signal);
    const sight = consumerIn(answer, this.#name);
    if (sight.kind === "found" && Number.isNaN(sight.lag)) throw unreadable("the server does not count its messages");
    return { sight, clusterSize: clusterSizeIn(answer) };
  }

  async #server(host: string, signal: AbortSignal): Promise<ServerSight> {
    return serverIn(await this.#get(host, "varz", signal));
  }

  async #get(host: string, page: string, signal: AbortSignal): Promise<unknown> {
    const url = new URL(page, this.#base.href.endsWith("/") ? this.#base : `${this.#base.href}/`);
    // What members call themselves comes from the network.
    if (!URL.canParse(`${url.protocol}//${host}`)) throw unreadable(`a member's address "${host}" is no host`);
    url.host = host;
    const action = `ask ${url.protocol}//${host}`;
    return jsonOf(await this.#client.get(url, signal, action), action);
  }
}

/** @throws Failure saying what is not there. Before KEDA 2.20 that counted as everything waiting, which scaled to the maximum. */
function lagOf(sight: ConsumerSight, { account, accountId, stream, consumer }: ConsumerName): number {
  if (sight.kind === "found") return sight.lag;
  const missing = { account: account ?? accountId, stream, consumer }[sight.missing];
  throw unreadable(`the server has no ${sight.missing} "${missing}"`);
}

function withoutPort(url: string): string {
  return url.replace(/:\d+$/, "");
}
