import type { KubeObject } from "#api";

/** A node, as far as placing daemon pods needs it. */
export interface DaemonNode extends KubeObject {
  readonly spec?: { readonly unschedulable?: boolean };
}
