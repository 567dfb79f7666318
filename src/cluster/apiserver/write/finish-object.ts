import { applyDefaults, validateObjectMeta, validateSchema, type KubeObject } from "#api";
import { type Problem } from "#base";
import type { Transaction } from "../../store/index.ts";
import { trackUpdate } from "../patch/index.ts";
import { byKind, type Endpoint } from "../registry/endpoint.ts";
import { invalid } from "../status/status-error.ts";
import { admit } from "./admit.ts";
import { withPodAddresses } from "./pod-addresses.ts";
import type { WriteScope } from "./write-scope.ts";

export interface FinishInput {
  readonly next: KubeObject;
  /** The object before the write, in the version of the request; absent when it is created. */
  readonly old: KubeObject | undefined;
  /** Server-side apply has recorded the managers already. */
  readonly isApply: boolean;
}

/**
 * Turns what the client wants into what is stored: defaults, fields that follow from others, addresses, managers; then
 * checks all rules, and asks the reviewers of the kind. Defaults come before the rules because the rules speak of the whole
 * object; managers come after defaults because whoever writes an object owns its defaults too; reviewers come last because
 * they are entitled to an object that keeps the rules.
 *
 * @throws StatusError 422 with every broken rule, 403 when a reviewer refuses.
 */
export function finishObject(scope: WriteScope, transaction: Transaction, input: FinishInput): KubeObject {
  const { endpoint, context } = scope;
  const { next, old, isApply } = input;
  const defaulted = applyDefaults(endpoint.kind.schema, next) as KubeObject;
  const completed = endpoint.kind.complete?.(defaulted, old) ?? defaulted;
  const isService = endpoint.collection === "/services" && scope.subresource === undefined;
  const addressed = isService
    ? context.addresses.assign(transaction, completed, old)
    : withAddresses(endpoint, completed);
  const tracked = isApply ? addressed : track(scope, addressed, old);
  const problems = problemsOf(scope, tracked, old);
  if (problems.length > 0) throw invalid(byKind(endpoint, nameOf(tracked)), problems);
  admit(scope, transaction, { object: tracked, old });
  return tracked;
}

function withAddresses(endpoint: Endpoint, object: KubeObject): KubeObject {
  return endpoint.collection === "/pods" ? withPodAddresses(object) : object;
}

function nameOf(object: KubeObject): string {
  return object.metadata.name ?? object.metadata.generateName ?? "";
}

function track(scope: WriteScope, updated: KubeObject, live: KubeObject | undefined): KubeObject {
  return trackUpdate({
    schema: scope.endpoint.kind.schema,
    live,
    updated,
    manager: scope.options.fieldManager,
    nowIso: scope.nowIso,
    apiVersion: scope.endpoint.apiVersion,
    hasStatus: scope.endpoint.kind.hasStatus,
    ...(scope.subresource === undefined ? {} : { subresource: scope.subresource }),
  });
}

function problemsOf({ endpoint }: WriteScope, object: KubeObject, old: KubeObject | undefined): readonly Problem[] {
  return [
    ...validateObjectMeta(object.metadata, {
      resource: endpoint.kind.resource,
      ...(old === undefined ? {} : { old: old.metadata }),
    }),
    ...validateSchema(endpoint.kind.schema, object, old === undefined ? {} : { old }),
    ...(endpoint.kind.validate?.(object, old) ?? []),
  ];
}
