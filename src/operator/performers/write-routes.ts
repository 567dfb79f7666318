import { assert, unreachable } from "#base";
import type { Command } from "#rollout";
import type { OperatorContext } from "../operator-context.ts";
import type { Snapshot } from "../reconcilers/index.ts";
import type { RoutePatch } from "../routers/index.ts";
import { restoredApex } from "../workloads/index.ts";
import { viewOf } from "./write-objects.ts";

/** What commands about traffic write. */

export async function setRoutes(
  command: Extract<Command, { kind: "set-routes" }>,
  { routing, names }: Snapshot,
  context: OperatorContext,
): Promise<void> {
  const { canaryWeight, isMirrored, cookies = {} } = command;
  assert(canaryWeight >= 0 && canaryWeight <= 100, "a canary's weight is from 0 to 100");
  if (routing === undefined) return;
  const desired = { canaryWeight, isMirrored, cookies };
  await send(routing.router.plan(routing.context, desired, routing.live), names.namespace, context);
}

/** Gives routes that were there before the Canary back. A kind that is no longer served has nothing to give back. */
export async function restoreRoutes({ routing, names }: Snapshot, context: OperatorContext): Promise<void> {
  if (routing === undefined) return;
  const patches = routing.router.restore(routing.context, routing.live);
  await send(
    patches.filter(({ resource }) => context.views.of(resource) !== undefined),
    names.namespace,
    context,
  );
}

/** Gives the Service that clients use back, unless it goes with the Canary. Source: flagger-spec 2.10. */
export async function restoreApex({ workload, services, owner }: Snapshot, { views }: OperatorContext): Promise<void> {
  if (workload?.selector === undefined || services.apex === undefined) return;
  const restored = restoredApex(services.apex, workload.selector, owner);
  if (restored !== undefined) await views.services.update(restored);
}

async function send(patches: readonly RoutePatch[], namespace: string, context: OperatorContext): Promise<void> {
  for (const patch of patches) {
    const view = viewOf(patch.resource, context);
    switch (patch.kind) {
      case "apply":
        await view.apply(patch.object);
        break;
      case "update":
        await view.update(patch.object);
        break;
      case "delete":
        await view.delete({ namespace, name: patch.name });
        break;
      default:
        unreachable(patch);
    }
  }
}
