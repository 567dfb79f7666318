import { clientFailure, unreadable } from "../clients/client-failure.ts";
import { createHttpClient, type HttpClient, jsonOf } from "../clients/http-client.ts";
import { basicLogin } from "../clients/url-login.ts";
import type { TriggerWorld } from "../trigger.ts";
import { combineQueues, queueIn, type QueueSight, queuesIn } from "./queue-reading.ts";
import { loginOf, type RabbitSettings, secretsOf } from "./rabbitmq-settings.ts";

/** A page of 500 queues, the most that the server gives, with their statistics. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** Queues as RabbitMQ's management API tells them. */
export class ManagementApi {
  readonly #settings: RabbitSettings;
  readonly #client: HttpClient;

  constructor(settings: RabbitSettings, world: TriggerWorld, namespace: string) {
    const { tls, timeoutMs } = settings;
    const login = loginOf(settings);
    this.#settings = settings;
    this.#client = createHttpClient({
      world,
      namespace,
      tls,
      timeoutMs,
      maxBodyBytes: MAX_BODY_BYTES,
      headers: login === undefined ? {} : { authorization: basicLogin(login) },
      secrets: secretsOf(settings),
    });
  }

  /** @throws Failure `TriggerUnreadable` */
  async read(signal: AbortSignal): Promise<QueueSight> {
    const { host, queueName } = this.#settings;
    const action = `read queue "${queueName}" from RabbitMQ at ${host.protocol}//${host.host}`;
    const answer = jsonOf(await this.#client.get(queuesUrl(this.#settings), signal, action), action);
    try {
      return sightOf(answer, this.#settings);
    } catch (thrown) {
      throw clientFailure(action, thrown, secretsOf(this.#settings));
    }
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

function sightOf(answer: unknown, settings: RabbitSettings): QueueSight {
  const { useRegex, operation, pageSize, excludeUnacknowledged: isReadyOnly } = settings;
  if (!useRegex) return queueIn(answer, { isReadyOnly }) ?? refuse("it is no queue");
  const page = queuesIn(answer, { isReadyOnly }) ?? refuse("it is no page of queues");
  if (page.pageCount > 1)
    throw unreadable(
      `the expression matches more queues than one page of ${pageSize} holds; raise "pageSize" (up to 500) or match fewer`,
    );
  return combineQueues(page.queues, operation);
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
