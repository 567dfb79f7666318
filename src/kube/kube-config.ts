/** Where an API server is and who asks: what a kubeconfig context, or a pod's service account, comes down to. */
export interface KubeConfig {
  /** Base URL, such as `https://127.0.0.1:6443`; a path prefix is kept. */
  readonly server: string;
  /** Namespace of the context, for commands that name none. */
  readonly namespace: string;
  /** Where it was read, for messages: `kubeconfig "/home/a/.kube/config", context "prod"`. */
  readonly origin?: string;
  /** Certificate authority of the server, PEM; the system's authorities when absent. */
  readonly caPem?: string;
  /** File that `caPem` came from. It is read again while running, because authorities of pods rotate. */
  readonly caPath?: string;
  /** Name to expect in the server's certificate instead of the URL's host. */
  readonly tlsServerName?: string;
  readonly insecureSkipTlsVerify?: boolean;
  /** HTTP proxy on the way to the server, such as `http://proxy:3128`. */
  readonly proxyUrl?: string;
  readonly credentials: KubeCredentials;
}

/** How requests prove who sends them. `tokenFile` is read again each minute, because tokens of pods rotate. */
export type KubeCredentials =
  | { readonly kind: "none" }
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "tokenFile"; readonly path: string }
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  | { readonly kind: "certificate"; readonly certificatePem: string; readonly keyPem: string }
  | { readonly kind: "exec"; readonly plugin: ExecPlugin };

/** A program that prints a credential. Source: client-go `clientcmd/api/v1.ExecConfig`. */
export interface ExecPlugin {
  readonly apiVersion: "client.authentication.k8s.io/v1" | "client.authentication.k8s.io/v1beta1";
  /** A name for PATH, or an absolute path. */
  readonly command: string;
  readonly args: readonly string[];
  /** Added to this process' own variables. */
  readonly env: Readonly<Record<string, string>>;
  /** What the kubeconfig's author tells people who lack the program. */
  readonly installHint?: string;
  /** What the program is told of the cluster (`provideClusterInfo`); absent when it is told nothing. */
  readonly cluster?: Readonly<Record<string, unknown>>;
}
