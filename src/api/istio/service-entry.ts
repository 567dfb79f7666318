import type { KubeObject } from "../meta.ts";

/** ServiceEntry of `networking.istio.io/v1`. Source: istio/api `service_entry.proto`. */

export interface WorkloadEntrySpec {
  readonly address?: string;
  readonly ports?: Readonly<Record<string, number>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly weight?: number;
}

export interface ServiceEntry extends KubeObject {
  readonly spec: {
    readonly hosts: readonly string[];
    readonly addresses?: readonly string[];
    readonly ports?: readonly {
      readonly number: number;
      readonly name?: string;
      readonly protocol?: string;
      readonly targetPort?: number;
    }[];
    readonly location?: "MESH_EXTERNAL" | "MESH_INTERNAL";
    readonly resolution?: "NONE" | "STATIC" | "DNS" | "DNS_ROUND_ROBIN";
    readonly endpoints?: readonly WorkloadEntrySpec[];
    readonly exportTo?: readonly string[];
  };
}
