import { matchesSelector } from "#api";
import type { Copy, Finding, PreflightFacts } from "./preflight-facts.ts";

/**
 * Pods that two autoscalers count as theirs freeze both: Kubernetes answers `AmbiguousSelector`, and neither scales when
 * traffic moves. Source: keda-hpa-spec 20.25.
 */
export function selectorFindings({ target, primary, neighbours, names }: PreflightFacts): Finding[] {
  const copies = [
    { name: names.target, copy: target },
    { name: names.primary, copy: primary },
  ];
  const among =
    target === undefined || primary === undefined || !overlap(target, primary)
      ? []
      : [finding(names.target, `those of "${names.primary}"`)];
  const beside = copies.flatMap(({ name, copy }) =>
    neighbours
      .filter((neighbour) => copy !== undefined && overlap(copy, neighbour))
      .map((neighbour) => finding(name, `those that ${neighbour.name} scales`)),
  );
  return [...among, ...beside];
}

function overlap(a: Copy, b: Copy): boolean {
  return (
    matchesSelector(a.selector, b.template.metadata?.labels) || matchesSelector(b.selector, a.template.metadata?.labels)
  );
}

function finding(name: string, others: string): Finding {
  return {
    level: "blocking",
    problem: {
      path: `${name} spec.selector`,
      code: "overlapping-selector",
      message: `the pods of "${name}" and ${others} are selected together, and autoscalers that share pods scale nothing`,
      fix: "give each workload a label of its own in its selector and its pods",
    },
  };
}
