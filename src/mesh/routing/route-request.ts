/** What routing sees of a request. */
export interface RouteRequest {
  readonly client: RouteClient;
  /** The port that the client dialled: of the Service, or of the gateway's server. */
  readonly port: number;
  readonly method: string;
  readonly scheme: string;
  /** The Host header, or the authority of an absolute-form target, as the client sent it. */
  readonly authority: string;
  /** Path without query. */
  readonly path: string;
  /** After the question mark; undefined when there is none. */
  readonly query: string | undefined;
  /** Value of a header by lower-case name, several joined by commas. */
  header(name: string): string | undefined;
}

/** Who asks, as far as it decides about routes. */
export interface RouteClient {
  readonly kind: "gateway" | "mesh";
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `["mesh"]` for a sidecar; for a gateway the Gateways it serves, as `namespace/name`. */
  readonly gateways: readonly string[];
}
