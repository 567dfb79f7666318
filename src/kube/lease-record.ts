import { apiVersionOf, type Lease, resources } from "#api";
import type { KubeClient } from "./client.ts";

/** The Lease object that electors meet at. */
export interface LeaseRecord {
  read(): Promise<Lease | undefined>;
  /** Writes the lease that was read, or makes one; 409 when somebody else wrote it in between. */
  write(read: Lease | undefined, spec: NonNullable<Lease["spec"]>): Promise<void>;
}

/** Opens it; nothing is asked yet. */
export function createLeaseRecord(
  { client, namespace, name }: { readonly client: KubeClient; readonly namespace: string; readonly name: string },
  timeoutMs: number,
): LeaseRecord {
  return {
    read: () => client.get<Lease>(resources.leases, { namespace, name }, { timeoutMs }),
    async write(read, spec) {
      if (read !== undefined) {
        await client.update<Lease>(resources.leases, { ...read, spec }, { timeoutMs });
        return;
      }
      const { kind } = resources.leases;
      const lease: Lease = { apiVersion: apiVersionOf(resources.leases), kind, metadata: { name, namespace }, spec };
      await client.create<Lease>(resources.leases, lease, { timeoutMs });
    },
  };
}
