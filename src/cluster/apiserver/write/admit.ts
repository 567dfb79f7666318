import type { KubeObject } from "#api";
import { formatProblem, type Problem } from "#base";
import type { AdmissionView } from "../../admission.ts";
import type { Transaction } from "../../store/index.ts";
import { pathOf, serve } from "../registry/endpoint.ts";
import type { Registry } from "../registry/registry.ts";
import { deniedByWebhook } from "../status/status-error.ts";
import type { WriteScope } from "./write-scope.ts";

/**
 * Asks the reviewers of a kind about a write to its main resource. Their warnings go out with the answer.
 *
 * @throws StatusError 403 with the findings of the first reviewer that refuses.
 * Source: apiserver admission plugin `ValidatingAdmissionWebhook`, which names no field: all is in the message.
 */
export function admit(
  scope: WriteScope,
  transaction: Transaction,
  { object, old }: { readonly object: KubeObject; readonly old: KubeObject | undefined },
): void {
  const { endpoint, context, options, subresource } = scope;
  if (subresource !== undefined) return;
  const { group, plural } = endpoint.kind.resource;
  const reviewers = context
    .admission()
    .filter(({ resource }) => resource.group === group && resource.plural === plural);
  for (const reviewer of reviewers) {
    const view = viewOf(context.registry, transaction);
    const { problems, warnings } = reviewer.review({ object, old, isDryRun: options.isDryRun }, view);
    if (problems.length > 0) throw deniedByWebhook(reviewer.name, listed(problems));
    scope.warnings.push(...warnings);
  }
}

/** Findings that a refusal tells; a client with thousands of mistakes has no use for them all. */
const SHOWN_COUNT = 10;

function listed(problems: readonly Problem[]): string {
  const more = problems.length > SHOWN_COUNT ? [`and ${problems.length - SHOWN_COUNT} more`] : [];
  return [...problems.slice(0, SHOWN_COUNT).map(formatProblem), ...more].join("; ");
}

function viewOf(registry: Registry, transaction: Transaction): AdmissionView {
  return {
    list: ({ group, version, plural }, namespace) => {
      const endpoint = registry.find(group, version, plural);
      if (endpoint === undefined) return [];
      return transaction.list(endpoint.collection, namespace).map((stored) => serve(endpoint, stored).object);
    },
    get: ({ group, version, plural }, { namespace, name }) => {
      const endpoint = registry.find(group, version, plural);
      const stored = endpoint === undefined ? undefined : transaction.get(pathOf(endpoint, namespace, name));
      return endpoint === undefined || stored === undefined ? undefined : serve(endpoint, stored).object;
    },
  };
}
