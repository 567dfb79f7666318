import { formatSelector, type KubeObject, type LabelSelector } from "#api";
import {
  ageColumn,
  ageOf,
  at,
  type Cell,
  type Column,
  formatLabels,
  integer,
  listAt,
  mapAt,
  NONE,
  nameColumn,
  nameOf,
  numberAt,
  type Printer,
  text,
  textAt,
  wide,
} from "../printer.ts";

/** Kinds of the group `apps`. Source: kubernetes `printers/internalversion`. */

const containersColumn: Column = wide(text("Containers", "Names of the containers in the template."));
const imagesColumn: Column = wide(text("Images", "Images of the containers in the template."));
const selectorColumn: Column = wide(text("Selector", "Labels that select the pods."));

/** The columns that every kind with a pod template shows with `-o wide`. */
export const templateColumns: readonly Column[] = [containersColumn, imagesColumn];
export const templateAndSelectorColumns: readonly Column[] = [...templateColumns, selectorColumn];

/** Names and images of a template's containers. */
export function templateCells(template: unknown): readonly [string, string] {
  const containers = listAt(template, "spec", "containers");
  return [
    containers.map((container) => textAt(container, "name")).join(","),
    containers.map((container) => textAt(container, "image")).join(","),
  ];
}

/** A selector as text; `<none>` when it is empty or absent. */
export function selectorCell(selector: unknown): string {
  const formatted = formatSelector({
    matchLabels: mapAt(selector, "matchLabels") as Record<string, string>,
    matchExpressions: listAt(selector, "matchExpressions") as NonNullable<LabelSelector["matchExpressions"]>,
  });
  return formatted === "" ? NONE : formatted;
}

function replicasOf(object: KubeObject): number {
  const replicas = at(object, "spec", "replicas");
  return typeof replicas === "number" ? replicas : 1;
}

export const deploymentPrinter: Printer = {
  columns: [
    nameColumn,
    text("Ready", "Pods that are ready, of those wanted."),
    text("Up-to-date", "Pods that have the current template."),
    text("Available", "Pods that have been ready for the minimum time."),
    ageColumn,
    ...templateAndSelectorColumns,
  ],
  cells: (deployment, nowMs): readonly Cell[] => [
    nameOf(deployment),
    `${numberAt(deployment, "status", "readyReplicas")}/${replicasOf(deployment)}`,
    numberAt(deployment, "status", "updatedReplicas"),
    numberAt(deployment, "status", "availableReplicas"),
    ageOf(deployment, nowMs),
    ...templateCells(at(deployment, "spec", "template")),
    selectorCell(at(deployment, "spec", "selector")),
  ],
};

const desired = integer("Desired", "Pods wanted.");
const current = integer("Current", "Pods that exist.");
const ready = integer("Ready", "Pods that are ready.");

export const replicaSetPrinter: Printer = {
  columns: [nameColumn, desired, current, ready, ageColumn, ...templateAndSelectorColumns],
  cells: (replicaSet, nowMs) => [
    nameOf(replicaSet),
    replicasOf(replicaSet),
    numberAt(replicaSet, "status", "replicas"),
    numberAt(replicaSet, "status", "readyReplicas"),
    ageOf(replicaSet, nowMs),
    ...templateCells(at(replicaSet, "spec", "template")),
    selectorCell(at(replicaSet, "spec", "selector")),
  ],
};

export const daemonSetPrinter: Printer = {
  columns: [
    nameColumn,
    desired,
    current,
    ready,
    integer("Up-to-date", "Pods that have the current template."),
    integer("Available", "Pods that have been ready for the minimum time."),
    text("Node Selector", "Labels of the nodes that get a pod."),
    ageColumn,
    ...templateAndSelectorColumns,
  ],
  cells: (daemonSet, nowMs) => [
    nameOf(daemonSet),
    numberAt(daemonSet, "status", "desiredNumberScheduled"),
    numberAt(daemonSet, "status", "currentNumberScheduled"),
    numberAt(daemonSet, "status", "numberReady"),
    numberAt(daemonSet, "status", "updatedNumberScheduled"),
    numberAt(daemonSet, "status", "numberAvailable"),
    formatLabels(mapAt(daemonSet, "spec", "template", "spec", "nodeSelector")),
    ageOf(daemonSet, nowMs),
    ...templateCells(at(daemonSet, "spec", "template")),
    selectorCell(at(daemonSet, "spec", "selector")),
  ],
};

export const statefulSetPrinter: Printer = {
  columns: [nameColumn, text("Ready", "Pods that are ready, of those wanted."), ageColumn, ...templateColumns],
  cells: (statefulSet, nowMs) => [
    nameOf(statefulSet),
    `${numberAt(statefulSet, "status", "readyReplicas")}/${replicasOf(statefulSet)}`,
    ageOf(statefulSet, nowMs),
    ...templateCells(at(statefulSet, "spec", "template")),
  ],
};

export const replicationControllerPrinter: Printer = {
  ...replicaSetPrinter,
  cells: (controller, nowMs) => [
    ...replicaSetPrinter.cells(controller, nowMs).slice(0, -1),
    formatLabels(mapAt(controller, "spec", "selector")),
  ],
};

export const controllerRevisionPrinter: Printer = {
  columns: [
    nameColumn,
    text("Controller", "Object that the revision belongs to."),
    text("Revision", "Number of the revision."),
    ageColumn,
  ],
  cells: (revision, nowMs) => [
    nameOf(revision),
    controllerOf(revision),
    numberAt(revision, "revision"),
    ageOf(revision, nowMs),
  ],
};

function controllerOf(object: KubeObject): string {
  const owner = object.metadata.ownerReferences?.find((reference) => reference.controller === true);
  if (owner === undefined) return NONE;
  const slash = owner.apiVersion.indexOf("/");
  const group = slash < 0 ? "" : `.${owner.apiVersion.slice(0, slash)}`;
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}
