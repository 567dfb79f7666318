import { createHash } from "node:crypto";
import { ScalerClient, type ScalerAddress } from "./scaler-client.ts";

interface Shared {
  readonly client: ScalerClient;
  userCount: number;
}

/** One user's hold on a shared client. */
export interface ClientLease {
  readonly client: ScalerClient;
  /** Gives it back; the last user's closes the connection. Further calls do nothing. */
  release(): void;
}

/**
 * Clients that are shared by everything which has the same address and credentials, and closed with their last user.
 * Source: keda-hpa-spec 15.11.
 */
export class ClientPool {
  readonly #shared = new Map<string, Shared>();

  /** Clients that are open. */
  get size(): number {
    return this.#shared.size;
  }

  /** @throws Error when a certificate or key of the address cannot be read. */
  async lease(address: ScalerAddress): Promise<ClientLease> {
    const grpc = await import("@grpc/grpc-js");
    const key = poolKey(address);
    const shared = this.#shared.get(key) ?? { client: new ScalerClient(grpc, address), userCount: 0 };
    this.#shared.set(key, shared);
    shared.userCount += 1;
    let isHeld = true;
    return {
      client: shared.client,
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        shared.userCount -= 1;
        if (shared.userCount > 0) return;
        this.#shared.delete(key);
        shared.client.close();
      },
    };
  }
}

/** A digest, so that no key of a map holds somebody's private key. */
export function poolKey(address: ScalerAddress): string {
  const { target, authority, tls } = address;
  const parts = [target, authority, tls?.caCert, tls?.client?.certificate, tls?.client?.key, tls?.isUnsafe];
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64");
}
