import { type Resource, resources } from "#api";
import { type Clock, Failure, type Random } from "#base";
import { ApiFailure, type KubeClient, type RawResponse, sleep } from "#kube";

/** What goes wrong between an operator and its API server. For tests. */
export interface Disturbance {
  /** Chooses which refusal and which moment; seeded, so that a run can be repeated. */
  readonly random: Random;
  readonly clock: Clock;
  /** Every third write is refused: with a conflict, with an error, or with an error after it took effect. */
  readonly refusesWrites?: boolean;
  /** Every watch breaks after a few chunks. */
  readonly cutsWatches?: boolean;
  /** Every request takes so much longer. */
  readonly delayMs?: number;
}

const REFUSED_EVERY = 3;
const MAX_CHUNK_COUNT = 6;

/** A client that meets the disturbance on its way; events are spared, as they are sent on the side. */
export function createDisturbedClient(inner: KubeClient, disturbance: Disturbance): KubeClient {
  const { random, clock } = disturbance;
  let writeCount = 0;

  async function late(): Promise<void> {
    if (disturbance.delayMs !== undefined) await sleep(clock, disturbance.delayMs, new AbortController().signal);
  }

  async function write<T>(resource: Resource, send: () => Promise<T>): Promise<T> {
    if (resource.plural === resources.events.plural) return send();
    await late();
    writeCount++;
    if (disturbance.refusesWrites !== true || writeCount % REFUSED_EVERY !== 0) return send();
    const refusal = Math.floor(random.next() * 3);
    if (refusal === 0) throw new ApiFailure("Another version was written", { httpStatus: 409, reason: "Conflict" });
    // The most wicked one: the write is done, and its answer says that it is not.
    if (refusal === 1) await send();
    throw new ApiFailure("The server failed", { httpStatus: 500, reason: "InternalError" });
  }

  return {
    ...inner,
    async get(resource, key, options) {
      await late();
      return inner.get(resource, key, options);
    },
    async list(resource, options) {
      await late();
      return inner.list(resource, options);
    },
    async raw(request) {
      await late();
      const response = await inner.raw(request);
      return request.stream === true && disturbance.cutsWatches === true ? cutShort(response, random) : response;
    },
    create: (resource, object, options) => write(resource, () => inner.create(resource, object, options)),
    update: (resource, object, options) => write(resource, () => inner.update(resource, object, options)),
    patch: (resource, key, patch) => write(resource, () => inner.patch(resource, key, patch)),
    apply: (resource, object, options) => write(resource, () => inner.apply(resource, object, options)),
    delete: (resource, key, options) => write(resource, () => inner.delete(resource, key, options)),
  };
}

function cutShort(response: RawResponse, random: Random): RawResponse {
  return { ...response, body: firstChunks(response.body, 1 + Math.floor(random.next() * MAX_CHUNK_COUNT)) };
}

async function* firstChunks(body: AsyncIterable<Uint8Array>, count: number): AsyncIterable<Uint8Array> {
  let left = count;
  for await (const chunk of body) {
    // In the middle of a line, as a connection breaks.
    yield left > 1 ? chunk : chunk.subarray(0, Math.floor(chunk.length / 2));
    left--;
    if (left === 0) throw new Failure("The connection was reset", { code: "ConnectionReset", retryable: true });
  }
}
