import type { Canary, Container, HorizontalPodAutoscaler, KubeObject, OwnerReference } from "#api";
import { namesOf } from "#rollout";
import { scaledObject, scaledObjectRef } from "./rehearsal-keda.ts";
import { canaryWith, deployment } from "./rehearsal-objects.ts";
import { type Copy, preflight, type PreflightFacts, readScaler, type ScalerFindings } from "./scalers/index.ts";

/** What is looked at before a release, for tests: a Deployment `web` with a ScaledObject, and what a test changes of it. */

const owner: OwnerReference = {
  apiVersion: "flagger.app/v1beta1",
  kind: "Canary",
  name: "web",
  uid: "1",
  controller: true,
};

interface Changes {
  readonly source?: KubeObject | HorizontalPodAutoscaler;
  readonly canary?: Canary;
  readonly target?: Copy;
  readonly primary?: Copy;
  readonly kedaVersion?: string;
  readonly keysOf?: PreflightFacts["keysOf"];
}

/** The findings. */
export function preflightOf(changes: Changes): ScalerFindings {
  const { source = scaledObject, canary = canaryWith({ autoscalerRef: scaledObjectRef }) } = changes;
  const plan = { canary, target: "web", primary: "web-primary", owner, isReleasing: false };
  const scaler = readScaler(plan, <T extends KubeObject>(_: unknown, name: string) =>
    name.endsWith("-primary") ? undefined : (source as T),
  );
  return preflight({
    canary,
    names: namesOf(canary),
    scaler,
    others: { orphans: [], foreign: [] },
    target: changes.target ?? { selector: deployment.spec.selector, template: deployment.spec.template },
    primary: changes.primary === undefined ? asPrimary(deployment.spec) : asPrimary(changes.primary),
    neighbours: [],
    kedaVersion: changes.kedaVersion,
    keysOf: changes.keysOf ?? (() => undefined),
  });
}

function asPrimary({ template }: Copy): Copy {
  const labels = { app: "web-primary" };
  return { selector: { matchLabels: labels }, template: { ...template, metadata: { labels } } };
}

/** The Deployment with this container alone. */
export function templateWith(container: Container): Copy {
  const { selector, template } = deployment.spec;
  return { selector, template: { ...template, spec: { containers: [container] } } };
}

/** The ScaledObject with these triggers. */
export function withTriggers(triggers: readonly object[]): typeof scaledObject {
  return { ...scaledObject, spec: { ...scaledObject.spec, triggers: triggers as typeof scaledObject.spec.triggers } };
}
