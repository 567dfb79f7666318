import type { KubeObject } from "../meta.ts";

/** AlertProvider of `flagger.app/v1beta1`. Source: Flagger 1.44, `charts/flagger/crds/crd.yaml`. */
export interface AlertProvider extends KubeObject {
  readonly spec: {
    readonly type: string;
    readonly address?: string;
    readonly channel?: string;
    readonly username?: string;
    readonly proxy?: string;
    readonly secretRef?: { readonly name: string };
  };
}
