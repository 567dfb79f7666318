import { formatAddress } from "../clients/address.ts";
import { clientFailure } from "../clients/client-failure.ts";
import { boundOf, withDeadline } from "../clients/deadline.ts";
import { secretsOfTls } from "../clients/tls.ts";
import type { TriggerWorld } from "../trigger.ts";
import { createRedisCommander, type RedisCommander } from "./redis-commander.ts";
import type { RedisSettings } from "./redis-settings.ts";

/**
 * One connection for the life of a trigger. It does not connect again: a trigger whose read failed is built anew, and a
 * client that retries on its own would go on behind the back of that.
 */
export class RedisSession {
  readonly #commander: RedisCommander;
  readonly #world: TriggerWorld;
  readonly #secrets: readonly (string | undefined)[];

  private constructor(commander: RedisCommander, world: TriggerWorld, secrets: readonly (string | undefined)[]) {
    this.#commander = commander;
    this.#world = world;
    this.#secrets = secrets;
  }

  /** Connects and asks for an answer. @throws Failure `TriggerUnreadable` */
  static async open(settings: RedisSettings, world: TriggerWorld, namespace: string): Promise<RedisSession> {
    const { addresses, password, sentinelPassword, tls, topology } = settings;
    const secrets = [password, sentinelPassword, ...(tls === undefined ? [] : secretsOfTls(tls))];
    const action = `connect to Redis (${topology}) at ${addresses.map(formatAddress).join(", ")}`;
    let commander: RedisCommander | undefined;
    try {
      commander = await createRedisCommander(settings, world, namespace);
      const { connect, send } = commander;
      await withDeadline(boundOf(world, world.signal), async () => {
        await connect();
        await send("", ["PING"]);
      });
      return new RedisSession(commander, world, secrets);
    } catch (thrown) {
      commander?.destroy();
      throw clientFailure(action, thrown, secrets);
    }
  }

  /**
   * Sends one command to the server that has the key. Numbers, texts, nulls and lists of them come back.
   *
   * @throws Failure `TriggerUnreadable`
   */
  async send(command: { action: string; key: string; args: readonly string[] }, signal: AbortSignal): Promise<unknown> {
    const { action, key, args } = command;
    try {
      return await withDeadline(boundOf(this.#world, signal), (ending) => {
        // An unanswered command would hold up those after it.
        ending.addEventListener("abort", () => this.#commander.destroy(), { once: true });
        return this.#commander.send(key, args);
      });
    } catch (thrown) {
      throw clientFailure(action, thrown, this.#secrets);
    }
  }

  /** Ends the connection at once; unanswered commands fail. */
  close(): void {
    this.#commander.destroy();
  }
}
