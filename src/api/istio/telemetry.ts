import type { KubeObject, LabelSelector } from "../meta.ts";

/** Telemetry of `telemetry.istio.io/v1`, the metrics part. Source: istio/api `telemetry.proto`. */

export interface TagOverride {
  readonly operation?: "UPSERT" | "REMOVE";
  /** A CEL expression over Envoy's attributes. */
  readonly value?: string;
}

export interface MetricsOverride {
  readonly match?: {
    readonly metric?: string;
    readonly customMetric?: string;
    readonly mode?: "CLIENT_AND_SERVER" | "CLIENT" | "SERVER";
  };
  readonly disabled?: boolean;
  readonly tagOverrides?: Readonly<Record<string, TagOverride>>;
}

export interface Telemetry extends KubeObject {
  readonly spec: {
    readonly selector?: Pick<LabelSelector, "matchLabels">;
    readonly metrics?: readonly {
      readonly providers?: readonly { readonly name: string }[];
      readonly overrides?: readonly MetricsOverride[];
    }[];
    readonly [field: string]: unknown;
  };
}
