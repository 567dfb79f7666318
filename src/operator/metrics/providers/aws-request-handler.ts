import { Readable } from "node:stream";
import { Failure } from "#base";
import { type Asking, MAX_BODY_BYTES, send } from "./http-call.ts";

/** What the SDK asks its transport to send. Source: `HttpRequest` of @smithy/types. */
interface AwsRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/**
 * Lets the AWS SDK send through the operator's own way out, which knows the proxy, the template's choice about
 * certificates, and a bound for bodies. The SDK's own transport knows none of them.
 */
export function awsRequestHandler(asking: Asking, timeoutMs: number) {
  return {
    async handle(request: AwsRequest) {
      const method = request.method === "POST" ? "POST" : "GET";
      const body = textOf(request.body);
      const call = { method, url: urlOf(request), headers: request.headers, ...(body === "" ? {} : { body }) } as const;
      const answer = await send(call, asking, timeoutMs);
      if (answer.kind === "too-large")
        throw new Failure(`the answer is larger than ${MAX_BODY_BYTES} bytes`, { code: "InvalidResponse" });
      if (answer.kind === "unreachable")
        throw new Failure(answer.message, { code: "ServerUnreachable", retryable: true });
      const { status: statusCode, headers, text } = answer;
      return { response: { statusCode, headers, body: Readable.from([Buffer.from(text)]) } };
    },
    updateHttpClientConfig: (): void => undefined,
    httpHandlerConfigs: () => ({}),
  };
}

function urlOf({ protocol, hostname, port, path, query = {} }: AwsRequest): URL {
  const url = new URL(`${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`);
  for (const [name, value] of Object.entries(query))
    for (const one of Array.isArray(value) ? value : [value ?? ""]) url.searchParams.append(name, one);
  return url;
}

function textOf(body: unknown): string {
  // The SDK's bodies are arrays that also act as texts and complain of being used so; Buffer.from would do that.
  if (body instanceof Uint8Array) return new TextDecoder().decode(body);
  return typeof body === "string" ? body : "";
}
