import type { KubeObject } from "#api";
import { formatAge } from "#base";
import {
  ageColumn,
  ageOf,
  at,
  hasCondition,
  integer,
  listAt,
  NONE,
  nameColumn,
  nameOf,
  numberAt,
  type Printer,
  sinceTime,
  text,
  textAt,
  UNSET,
} from "../printer.ts";
import { selectorCell, templateAndSelectorColumns, templateCells } from "./workloads.ts";

/** Kinds of the group `batch`. Source: kubernetes `printers/internalversion`. */

export const jobPrinter: Printer = {
  columns: [
    nameColumn,
    text("Status", "State of the job."),
    text("Completions", "Pods that succeeded, of those wanted."),
    text("Duration", "Time that the job has taken."),
    ageColumn,
    ...templateAndSelectorColumns,
  ],
  cells: (job, nowMs) => [
    nameOf(job),
    jobStatus(job),
    completions(job),
    jobDuration(job, nowMs),
    ageOf(job, nowMs),
    ...templateCells(at(job, "spec", "template")),
    selectorCell(at(job, "spec", "selector")),
  ],
};

function jobStatus(job: KubeObject): string {
  const conditions = listAt(job, "status", "conditions");
  if (hasCondition(conditions, "Complete")) return "Complete";
  if (hasCondition(conditions, "Failed")) return "Failed";
  if (job.metadata.deletionTimestamp !== undefined) return "Terminating";
  const state = ["Suspended", "FailureTarget", "SuccessCriteriaMet"].find((type) => hasCondition(conditions, type));
  return state ?? "Running";
}

function completions(job: KubeObject): string {
  const succeeded = numberAt(job, "status", "succeeded");
  const wanted = at(job, "spec", "completions");
  if (typeof wanted === "number") return `${succeeded}/${wanted}`;
  const parallelism = numberAt(job, "spec", "parallelism");
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration(job: KubeObject, nowMs: number): string {
  const start = textAt(job, "status", "startTime");
  if (start === "") return "";
  const end = textAt(job, "status", "completionTime");
  return formatAge((end === "" ? nowMs : Date.parse(end)) - Date.parse(start));
}

export const cronJobPrinter: Printer = {
  columns: [
    nameColumn,
    text("Schedule", "When the job runs, in cron form."),
    text("Timezone", "Time zone of the schedule."),
    { ...text("Suspend", "Whether no further jobs are started."), type: "boolean" },
    integer("Active", "Jobs that run now."),
    text("Last Schedule", "Time since a job was last started."),
    ageColumn,
    ...templateAndSelectorColumns,
  ],
  cells: (cronJob, nowMs) => {
    const last = at(cronJob, "status", "lastScheduleTime");
    return [
      nameOf(cronJob),
      textAt(cronJob, "spec", "schedule"),
      textAt(cronJob, "spec", "timeZone") || NONE,
      suspended(at(cronJob, "spec", "suspend")),
      listAt(cronJob, "status", "active").length,
      last === undefined ? NONE : sinceTime(last, nowMs),
      ageOf(cronJob, nowMs),
      ...templateCells(at(cronJob, "spec", "jobTemplate", "spec", "template")),
      selectorCell(at(cronJob, "spec", "jobTemplate", "spec", "selector")),
    ];
  },
};

function suspended(value: unknown): string {
  if (typeof value !== "boolean") return UNSET;
  return value ? "True" : "False";
}
