import { Agent, type Dispatcher } from "undici";
import { clientFailure, decoded, passwordsOf, unreadable } from "../clients/client-failure.ts";
import { lookupIn } from "../clients/cluster-lookup.ts";
import { withDeadline } from "../clients/deadline.ts";
import { getJson } from "../clients/http-json.ts";
import { secretsOfTls, tlsConnectOf } from "../clients/tls.ts";
import type { TriggerWorld } from "../trigger.ts";
import { combineQueues, queueIn, type QueueSight, queuesIn } from "./queue-reading.ts";
import type { RabbitSettings } from "./rabbitmq-settings.ts";

/** A page of 500 queues, the most that the server gives, with their statistics. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** Queues as RabbitMQ's management API tells them. */
export class ManagementApi {
  readonly #settings: RabbitSettings;
  readonly #world: TriggerWorld;
  readonly #namespace: string;
  /** Of its own only with certificates of its own. */
  readonly #agent: Agent | undefined;

  constructor(settings: RabbitSettings, world: TriggerWorld, namespace: string) {
    this.#settings = settings;
    this.#world = world;
    this.#namespace = namespace;
    this.#agent = agentFor(settings, world, namespace);
  }

  /** @throws Failure `TriggerUnreadable` */
  async read(signal: AbortSignal): Promise<QueueSight> {
    const { host, queueName, tls, login } = this.#settings;
    const timeoutMs = this.#settings.timeoutMs ?? this.#world.timeoutMs;
    const { clock } = this.#world;
    const action = `read queue "${queueName}" from RabbitMQ at ${host.protocol}//${host.host}`;
    try {
      return await withDeadline((ending) => this.#ask(timeoutMs, ending), { clock, timeoutMs, signal });
    } catch (thrown) {
      throw clientFailure(action, thrown, [...passwordsOf(host), login?.password, ...secretsOfTls(tls)]);
    }
  }

  async close(): Promise<void> {
    await this.#agent?.destroy();
  }

  async #ask(timeoutMs: number, signal: AbortSignal): Promise<QueueSight> {
    const { useRegex, operation, excludeUnacknowledged: isReadyOnly } = this.#settings;
    const dispatcher: Dispatcher = this.#agent ?? this.#world.http;
    const url = queuesUrl(this.#settings);
    const headers = authorizationOf(this.#settings);
    const resolve = (name: string): string => this.#world.resolve(name, this.#namespace);
    const call = { url, headers, dispatcher, resolve, timeoutMs, signal };
    const answer = await getJson({ ...call, maxBodyBytes: MAX_BODY_BYTES });
    if (!useRegex) return queueIn(answer, { isReadyOnly }) ?? refuse("it is no queue");
    const page = queuesIn(answer, { isReadyOnly }) ?? refuse("it is no page of queues");
    if (page.pageCount > 1)
      throw unreadable(
        `the expression matches more queues than one page of ${this.#settings.pageSize} holds; raise "pageSize" (up to 500) or match fewer`,
      );
    return combineQueues(page.queues, operation);
  }
}

function refuse(why: string): never {
  throw unreadable(`the server's answer cannot be used: ${why}`);
}

/** Where the queue, or the page of queues, is found. The host's path ends in the vhost; what is before it is kept. */
export function queuesUrl({ host, vhostName, queueName, useRegex, pageSize }: RabbitSettings): URL {
  const parts = host.pathname.split("/");
  const last = parts.pop() ?? "";
  const vhost = vhostName === undefined ? last || "%2F" : encodeURIComponent(vhostName);
  const url = new URL(host);
  url.username = "";
  url.password = "";
  url.search = "";
  url.hash = "";
  const queues = `${parts.join("/")}/api/queues/${vhost}`;
  url.pathname = useRegex ? queues : `${queues}/${encodeURIComponent(queueName)}`;
  if (useRegex) {
    const query = { page: "1", use_regex: "true", pagination: "false", name: queueName, page_size: String(pageSize) };
    url.search = new URLSearchParams(query).toString();
  }
  return url;
}

function authorizationOf({ host, login }: RabbitSettings): Record<string, string> {
  const username = login?.username ?? decoded(host.username);
  const password = login?.password ?? decoded(host.password);
  if (username === "" && password === "") return {};
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` };
}

function agentFor({ host, tls }: RabbitSettings, world: TriggerWorld, namespace: string): Agent | undefined {
  const isOwn = tls.ca !== undefined || tls.cert !== undefined || tls.isUnsafe;
  if (host.protocol !== "https:" || !isOwn) return undefined;
  return new Agent({ connections: 1, connect: { ...tlsConnectOf(tls), lookup: lookupIn(world, namespace) } });
}
