import type { Status, StatusCause, StatusDetails } from "#api";
import { Failure, formatProblem, type Problem } from "#base";

/** A refusal with the exact Status that the client gets. Thrown anywhere in a request; the pipeline turns it into the answer. */
export class StatusError extends Failure {
  readonly status: Status & { readonly code: number };

  constructor(parts: { code: number; reason?: string; message: string; details?: StatusDetails }) {
    super(parts.message, { code: parts.reason ?? "Unknown", retryable: parts.code === 429 || parts.code >= 500 });
    this.name = "StatusError";
    this.status = {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: parts.message,
      ...(parts.reason === undefined ? {} : { reason: parts.reason }),
      ...(parts.details === undefined ? {} : { details: parts.details }),
      code: parts.code,
    };
  }
}

/** A kind of object as messages name it: its plural or its kind, and its group. */
export interface Named {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
}

/** `deployments.apps`, or `pods` for the core group. */
export function qualified(kind: string, group: string): string {
  return group === "" ? kind : `${kind}.${group}`;
}

function detailsOf(named: Named): StatusDetails {
  return { name: named.name, ...(named.group === "" ? {} : { group: named.group }), kind: named.kind };
}

function titled(named: Named): string {
  return `${qualified(named.kind, named.group)} ${JSON.stringify(named.name)}`;
}

export function notFound(named: Named): StatusError {
  return new StatusError({
    code: 404,
    reason: "NotFound",
    message: `${titled(named)} not found`,
    details: detailsOf(named),
  });
}

/** No such resource, version or subresource, in a group that exists. */
export function unknownResource(): StatusError {
  return new StatusError({
    code: 404,
    reason: "NotFound",
    message: "the server could not find the requested resource",
    details: {},
  });
}

export function alreadyExists(named: Named, prefix = ""): StatusError {
  const message = `${prefix}${titled(named)} already exists`;
  return new StatusError({ code: 409, reason: "AlreadyExists", message, details: detailsOf(named) });
}

export function conflict(named: Named, finding: string): StatusError {
  const message = `Operation cannot be fulfilled on ${titled(named)}: ${finding}`;
  return new StatusError({ code: 409, reason: "Conflict", message, details: detailsOf(named) });
}

/** The write was based on a version that is not the newest any more. */
export function staleWrite(named: Named): StatusError {
  return conflict(named, "the object has been modified; please apply your changes to the latest version and try again");
}

export function badRequest(message: string): StatusError {
  return new StatusError({ code: 400, reason: "BadRequest", message });
}

export function forbidden(named: Named, finding: string, causes?: readonly StatusCause[]): StatusError {
  const message = `${titled(named)} is forbidden: ${finding}`;
  const details = { ...detailsOf(named), ...(causes === undefined ? {} : { causes }) };
  return new StatusError({ code: 403, reason: "Forbidden", message, details });
}

/** A webhook does not let the write through. Source: apiserver `webhook/errors.ToStatusErr`. */
export function deniedByWebhook(webhook: string, finding: string): StatusError {
  const message = `admission webhook ${JSON.stringify(webhook)} denied the request: ${finding}`;
  return new StatusError({ code: 403, reason: "Forbidden", message });
}

/** The object breaks rules. Source: apimachinery `errors.NewInvalid`; equal findings are named once in the message. */
export function invalid(named: Named, problems: readonly Problem[]): StatusError {
  const findings = [
    ...new Set(problems.map((problem) => formatProblem({ path: problem.path, code: "", message: problem.message }))),
  ];
  const list = findings.length === 1 ? (findings[0] ?? "") : `[${findings.join(", ")}]`;
  const causes = problems.map(({ path, code, message }) => ({ reason: code, message, field: path }));
  return new StatusError({
    code: 422,
    reason: "Invalid",
    message: `${titled(named)} is invalid: ${list}`,
    details: {
      ...(named.name === "" ? {} : { name: named.name }),
      ...(named.group === "" ? {} : { group: named.group }),
      ...(named.kind === "" ? {} : { kind: named.kind }),
      causes,
    },
  });
}

export function methodNotAllowed(): StatusError {
  return new StatusError({
    code: 405,
    reason: "MethodNotAllowed",
    message: "the server does not allow this method on the requested resource",
    details: {},
  });
}

export function unauthorized(): StatusError {
  return new StatusError({ code: 401, reason: "Unauthorized", message: "Unauthorized" });
}

/** Source: apiserver `negotiation.NewNotAcceptableError`. */
export function notAcceptable(mediaTypes: readonly string[]): StatusError {
  const message = `only the following media types are accepted: ${mediaTypes.join(", ")}`;
  return new StatusError({ code: 406, reason: "NotAcceptable", message });
}

/** Source: apiserver `negotiation.NewUnsupportedMediaTypeError`. */
export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`;
  return new StatusError({ code: 415, reason: "UnsupportedMediaType", message });
}

/** Source: apiserver `errors.NewRequestEntityTooLargeError`. */
export function bodyTooLarge(limitBytes: number): StatusError {
  const message = `Request entity too large: limit is ${limitBytes}`;
  return new StatusError({ code: 413, reason: "RequestEntityTooLarge", message });
}

/** The history does not reach back to the version that was asked for; the client lists again. */
export function expired(message: string): StatusError {
  return new StatusError({ code: 410, reason: "Expired", message });
}

export function internalError(message: string): StatusError {
  return new StatusError({
    code: 500,
    reason: "InternalError",
    message: `Internal error occurred: ${message}`,
    details: { causes: [{ message }] },
  });
}
