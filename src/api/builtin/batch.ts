import { isObject } from "#base";
import type { KindDefinition } from "../kind.ts";
import type { KubeObject } from "../meta.ts";
import {
  anyObject,
  between,
  bool,
  int32,
  int64,
  listOf,
  mergeListOf,
  oneOf,
  struct,
  text,
  time,
  withDefault,
} from "../schema/build.ts";
import { labelSelector, objectMeta } from "../schema/meta-schema.ts";
import { type BuiltinGroup, builtinKind } from "./builtin-kind.ts";
import { completeTemplateKind, updateAt } from "./complete-pod.ts";
import { withInitialStatus } from "./core.ts";
import { podTemplate } from "./pod-schema.ts";
import type { Fields } from "./struct-fields.ts";
import { objectReference } from "./volume-schema.ts";

/** Job and CronJob. Source: Kubernetes `batch/v1` types and defaults. */

const group: BuiltinGroup = { group: "batch", version: "v1", definitions: "io.k8s.api.batch.v1" };
const batch = (name: string): string => `${group.definitions}.${name}`;
const count = between(0, undefined, int32);

const jobSpec = struct(
  batch("JobSpec"),
  {
    parallelism: count,
    completions: count,
    activeDeadlineSeconds: between(0, undefined, int64),
    podFailurePolicy: anyObject,
    successPolicy: anyObject,
    backoffLimit: withDefault(6, count),
    backoffLimitPerIndex: count,
    maxFailedIndexes: count,
    selector: labelSelector,
    manualSelector: bool,
    template: podTemplate,
    ttlSecondsAfterFinished: count,
    completionMode: withDefault("NonIndexed", oneOf("Indexed", "NonIndexed")),
    suspend: withDefault(false, bool),
    podReplacementPolicy: withDefault("TerminatingOrFailed", oneOf("Failed", "TerminatingOrFailed")),
    managedBy: text,
  },
  ["template"],
);

const jobCondition = struct(batch("JobCondition"), {
  type: text,
  status: text,
  lastProbeTime: time,
  lastTransitionTime: time,
  reason: text,
  message: text,
});

const jobKind = {
  kind: "Job",
  categories: ["all"],
  fields: {
    spec: jobSpec,
    status: struct(batch("JobStatus"), {
      conditions: { ...mergeListOf("type", jobCondition), "x-kubernetes-list-type": "atomic" as const },
      startTime: time,
      completionTime: time,
      active: int32,
      succeeded: int32,
      failed: int32,
      terminating: int32,
      completedIndexes: text,
      failedIndexes: text,
      uncountedTerminatedPods: anyObject,
      ready: int32,
    }),
  },
  complete: (object: KubeObject, old: KubeObject | undefined): KubeObject => {
    const completed = updateAt(completeTemplateKind(["spec", "template"])(object), ["spec"], completeJobSpec);
    return withInitialStatus({})(old === undefined ? withJobLabels(completed) : completed, old);
  },
};

/** Source: `SetDefaults_Job`: one pod, unless a work queue is asked for by parallelism alone. */
function completeJobSpec(spec: Fields): Fields {
  if (spec.completions === undefined && spec.parallelism === undefined)
    return { ...spec, completions: 1, parallelism: 1 };
  return { ...spec, parallelism: spec.parallelism ?? 1 };
}

/** A Job selects its pods by its own uid, which the server has given by now. Source: `jobStrategy.generateSelector`. */
function withJobLabels(job: KubeObject): KubeObject {
  const { uid, name } = job.metadata;
  if (uid === undefined || name === undefined || !isObject(job.spec) || job.spec.manualSelector === true) return job;
  const labels = {
    "batch.kubernetes.io/controller-uid": uid,
    "batch.kubernetes.io/job-name": name,
    "controller-uid": uid,
    "job-name": name,
  };
  const selector = { matchLabels: { "batch.kubernetes.io/controller-uid": uid } };
  const labelled = updateAt(job, ["spec", "template", "metadata"], (metadata) => ({
    ...metadata,
    labels: { ...(isObject(metadata.labels) ? metadata.labels : {}), ...labels },
  }));
  return updateAt(labelled, ["spec"], (spec) => ({ ...spec, selector }));
}

const cronJobKind = {
  kind: "CronJob",
  shortNames: ["cj"],
  categories: ["all"],
  fields: {
    spec: struct(
      batch("CronJobSpec"),
      {
        schedule: text,
        timeZone: text,
        startingDeadlineSeconds: between(0, undefined, int64),
        concurrencyPolicy: withDefault("Allow", oneOf("Allow", "Forbid", "Replace")),
        suspend: withDefault(false, bool),
        jobTemplate: struct(batch("JobTemplateSpec"), { metadata: objectMeta, spec: jobSpec }),
        successfulJobsHistoryLimit: withDefault(3, count),
        failedJobsHistoryLimit: withDefault(1, count),
      },
      ["schedule", "jobTemplate"],
    ),
    status: struct(batch("CronJobStatus"), {
      active: listOf(objectReference),
      lastScheduleTime: time,
      lastSuccessfulTime: time,
    }),
  },
  complete: (object: KubeObject, old: KubeObject | undefined): KubeObject =>
    withInitialStatus({})(completeTemplateKind(["spec", "jobTemplate", "spec", "template"])(object), old),
};

/** Kinds of `batch/v1`. */
export const batchKinds: readonly KindDefinition[] = [cronJobKind, jobKind].map((kind) => builtinKind(group, kind));
