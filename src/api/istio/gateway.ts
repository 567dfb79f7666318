import type { KubeObject } from "../meta.ts";

/** Gateway of `networking.istio.io/v1`. Source: istio/api `gateway.proto`. */

export interface GatewayServer {
  readonly port: { readonly number: number; readonly name?: string; readonly protocol: string };
  readonly hosts: readonly string[];
  readonly name?: string;
  readonly tls?: {
    readonly mode?: string;
    readonly httpsRedirect?: boolean;
    readonly credentialName?: string;
    readonly [field: string]: unknown;
  };
}

export interface Gateway extends KubeObject {
  readonly spec: {
    readonly selector?: Readonly<Record<string, string>>;
    readonly servers?: readonly GatewayServer[];
  };
}
