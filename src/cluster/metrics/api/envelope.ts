/** Error types of the Prometheus HTTP API with the HTTP status of each. Source: Prometheus `web/api/v1/api.go`. */
const STATUS_OF = {
  bad_data: 400,
  execution: 422,
  timeout: 503,
  canceled: 499,
  not_found: 404,
  internal: 500,
} as const;
export type ApiErrorType = keyof typeof STATUS_OF;

/** A request that is answered with an error envelope. */
export class ApiError extends Error {
  readonly type: ApiErrorType;

  constructor(type: ApiErrorType, message: string) {
    super(message);
    this.name = "ApiError";
    this.type = type;
  }
}

/** An answer with its body written out. */
export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Data that is JSON text already, with what there is to say about it. */
export interface ApiData {
  readonly json: string;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

export function successAnswer({ json, warnings = [], infos = [] }: ApiData): HttpAnswer {
  const notes =
    (warnings.length > 0 ? `,"warnings":${JSON.stringify(warnings)}` : "") +
    (infos.length > 0 ? `,"infos":${JSON.stringify(infos)}` : "");
  return { status: 200, contentType: "application/json", body: `{"status":"success","data":${json}${notes}}` };
}

export function errorAnswer({ type, message }: ApiError): HttpAnswer {
  return {
    status: STATUS_OF[type],
    contentType: "application/json",
    body: JSON.stringify({ status: "error", errorType: type, error: message }),
  };
}

export function textAnswer(status: number, body: string): HttpAnswer {
  return { status, contentType: "text/plain; charset=utf-8", body };
}
