import { resources, type ScaledObject, type ScaledObjectStatus } from "#api";
import { ApiFailure, type KubeClient } from "#kube";
import { objectKey } from "../controllers/index.ts";
import { mergePatchBetween } from "./plan/status-patch.ts";

/**
 * The status of one ScaledObject, which reconciles, polls and questions of the autoscaler all add to. It is kept in memory, as
 * this process alone writes it, and saved by patches of what changed, one at a time.
 */
export interface StatusKeeper {
  readonly status: ScaledObjectStatus;
  update(change: (status: ScaledObjectStatus) => ScaledObjectStatus): void;
  /** Writes what changed since the last time; resolves when there is nothing left to write. */
  save(): Promise<void>;
}

/** Writes in a row; changes that arrive all the time must not keep one caller for ever. */
const MAX_WRITE_COUNT = 5;

export function createStatusKeeper(client: KubeClient, object: ScaledObject): StatusKeeper {
  let written: ScaledObjectStatus = object.status ?? {};
  let status = written;
  let saving: Promise<void> | undefined;

  async function write(): Promise<void> {
    for (let count = 0; count < MAX_WRITE_COUNT; count++) {
      const patch = mergePatchBetween(written, status);
      if (patch === undefined) return;
      const next = status;
      // The uid keeps it from a namesake.
      const body = { metadata: { uid: object.metadata.uid }, status: patch };
      try {
        const options = { subresource: "status" } as const;
        await client.patch(resources.scaledObjects, objectKey(object), { kind: "merge", body, options });
      } catch (thrown) {
        // It is gone; so is the need for a status.
        if (!(thrown instanceof ApiFailure) || thrown.httpStatus !== 404) throw thrown;
      }
      written = next;
    }
  }

  return {
    get status() {
      return status;
    },
    update(change) {
      status = change(status);
    },
    async save() {
      await saving?.catch(() => undefined);
      saving ??= write().finally(() => {
        saving = undefined;
      });
      await saving;
    },
  };
}
