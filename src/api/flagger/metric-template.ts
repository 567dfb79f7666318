import type { KubeObject } from "../meta.ts";

/** MetricTemplate of `flagger.app/v1beta1`. Source: Flagger 1.44, `charts/flagger/crds/crd.yaml`. */
export interface MetricTemplateProvider {
  readonly type: string;
  readonly address?: string;
  readonly secretRef?: { readonly name: string };
  readonly region?: string;
  readonly insecureSkipVerify?: boolean;
  readonly headers?: Readonly<Record<string, readonly string[]>>;
}

export interface MetricTemplate extends KubeObject {
  readonly spec: {
    readonly provider: MetricTemplateProvider;
    /** In Go's template language. */
    readonly query: string;
  };
}
