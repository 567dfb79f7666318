/** Where an API server is and who asks: what a kubeconfig context, or a pod's service account, comes down to. */
export interface KubeConfig {
  /** Base URL, such as `https://127.0.0.1:6443`; a path prefix is kept. */
  readonly server: string;
  /** Namespace of the context, for commands that name none. */
  readonly namespace: string;
  /** Certificate authority of the server, PEM; the system's authorities when absent. */
  readonly caPem?: string;
  /** Name to expect in the server's certificate instead of the URL's host. */
  readonly tlsServerName?: string;
  readonly insecureSkipTlsVerify?: boolean;
  readonly credentials: KubeCredentials;
}

/** How requests prove who sends them. `tokenFile` is read again each minute, because tokens of pods rotate. */
export type KubeCredentials =
  | { readonly kind: "none" }
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "tokenFile"; readonly path: string }
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  | { readonly kind: "certificate"; readonly certificatePem: string; readonly keyPem: string };
