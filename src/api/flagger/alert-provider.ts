import type { KubeObject } from "../meta.ts";

/**
 * AlertProvider of `flagger.app/v1beta1`. Source: Flagger 1.44, `charts/flagger/crds/crd.yaml`; the types pagerduty,
 * webhook and github are Serin's own.
 */
export interface AlertProvider extends KubeObject {
  readonly spec: {
    readonly type: string;
    readonly address?: string;
    /** A channel; with `github` the repository as `owner/name`. */
    readonly channel?: string;
    readonly username?: string;
    readonly proxy?: string;
    /** A Secret of the same namespace with the keys `address` and `token`. */
    readonly secretRef?: { readonly name: string };
  };
}
