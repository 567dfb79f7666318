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
    /**
     * Makes the metric part of a sequential analysis as counts: two queries for raw counters, without rate(), which are asked for
     * both copies with the variable `target`. Serin's own field.
     */
    readonly counts?: { readonly bad: string; readonly total: string };
    /** Makes it part of one as a number of each copy, by `query`. Serin's own field. */
    readonly scalar?: {
      /** Which way is worse. */
      readonly worse: "higher" | "lower";
      /** `ratio` compares logarithms: for what is always above 0. Default `ratio`. */
      readonly scale?: "ratio" | "difference";
      /** How much worse is tolerated: a factor such as 1.1, or a difference. */
      readonly margin?: number;
    };
  };
}
