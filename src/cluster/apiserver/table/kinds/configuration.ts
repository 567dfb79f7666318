import {
  ageColumn,
  ageOf,
  at,
  integer,
  listAt,
  mapAt,
  nameColumn,
  nameOf,
  numberAt,
  type Printer,
  text,
  textAt,
  UNSET,
  wide,
} from "../printer.ts";

/** Kinds that hold settings, names and limits. Source: kubernetes `printers/internalversion`. */

export const configMapPrinter: Printer = {
  columns: [nameColumn, text("Data", "How many keys it holds."), ageColumn],
  cells: (configMap, nowMs) => [
    nameOf(configMap),
    Object.keys(mapAt(configMap, "data")).length + Object.keys(mapAt(configMap, "binaryData")).length,
    ageOf(configMap, nowMs),
  ],
};

export const secretPrinter: Printer = {
  columns: [nameColumn, text("Type", "What the secret is for."), text("Data", "How many keys it holds."), ageColumn],
  cells: (secret, nowMs) => [
    nameOf(secret),
    textAt(secret, "type"),
    Object.keys(mapAt(secret, "data")).length,
    ageOf(secret, nowMs),
  ],
};

export const serviceAccountPrinter: Printer = {
  columns: [nameColumn, text("Secrets", "How many secrets its pods may use."), ageColumn],
  cells: (account, nowMs) => [nameOf(account), listAt(account, "secrets").length, ageOf(account, nowMs)],
};

export const namespacePrinter: Printer = {
  columns: [nameColumn, text("Status", "Whether the namespace is active or goes away."), ageColumn],
  cells: (namespace, nowMs) => [nameOf(namespace), textAt(namespace, "status", "phase"), ageOf(namespace, nowMs)],
};

export const leasePrinter: Printer = {
  columns: [nameColumn, text("Holder", "Who holds the lease."), ageColumn],
  cells: (lease, nowMs) => [nameOf(lease), textAt(lease, "spec", "holderIdentity"), ageOf(lease, nowMs)],
};

export const resourceQuotaPrinter: Printer = {
  columns: [
    nameColumn,
    ageColumn,
    text("Request", "Requests used, of those allowed."),
    text("Limit", "Limits used, of those allowed."),
  ],
  cells: (quota, nowMs) => {
    const hard = mapAt(quota, "status", "hard");
    const used = mapAt(quota, "status", "used");
    const names = Object.keys(hard).sort();
    const show = (name: string): string => `${name}: ${textAt(used, name)}/${textAt(hard, name)}`;
    return [
      nameOf(quota),
      ageOf(quota, nowMs),
      names
        .filter((name) => !name.startsWith("limits"))
        .map(show)
        .join(", "),
      names
        .filter((name) => name.startsWith("limits"))
        .map(show)
        .join(", "),
    ];
  },
};

export const disruptionBudgetPrinter: Printer = {
  columns: [
    nameColumn,
    text("Min Available", "Pods that must stay available."),
    text("Max Unavailable", "Pods that may be unavailable."),
    integer("Allowed Disruptions", "Evictions allowed now."),
    ageColumn,
  ],
  cells: (budget, nowMs) => [
    nameOf(budget),
    textAt(budget, "spec", "minAvailable") || "N/A",
    textAt(budget, "spec", "maxUnavailable") || "N/A",
    numberAt(budget, "status", "disruptionsAllowed"),
    ageOf(budget, nowMs),
  ],
};

export const priorityClassPrinter: Printer = {
  columns: [
    nameColumn,
    integer("Value", "Priority of the pods."),
    { ...text("Global-Default", "Whether pods without a class get this one."), type: "boolean" },
    ageColumn,
    text("PreemptionPolicy", "Whether pods of this class evict others."),
  ],
  cells: (priorityClass, nowMs) => [
    nameOf(priorityClass),
    numberAt(priorityClass, "value"),
    at(priorityClass, "globalDefault") === true,
    ageOf(priorityClass, nowMs),
    textAt(priorityClass, "preemptionPolicy"),
  ],
};

export const claimPrinter: Printer = {
  columns: [
    nameColumn,
    text("Status", "State of the claim."),
    text("Volume", "Volume that is bound to it."),
    text("Capacity", "Size of the volume."),
    text("Access Modes", "How the volume may be mounted."),
    text("StorageClass", "Class of the storage."),
    text("VolumeAttributesClass", "Class of the volume's attributes."),
    ageColumn,
    wide(text("VolumeMode", "File system or block device.")),
  ],
  cells: (claim, nowMs) => {
    const isBound = textAt(claim, "spec", "volumeName") !== "";
    return [
      nameOf(claim),
      claim.metadata.deletionTimestamp === undefined ? textAt(claim, "status", "phase") : "Terminating",
      textAt(claim, "spec", "volumeName"),
      isBound ? textAt(claim, "status", "capacity", "storage") : "",
      isBound ? listAt(claim, "status", "accessModes").map(shortAccessMode).join(",") : "",
      textAt(claim, "spec", "storageClassName"),
      textAt(claim, "spec", "volumeAttributesClassName") || UNSET,
      ageOf(claim, nowMs),
      textAt(claim, "spec", "volumeMode") || UNSET,
    ];
  },
};

function shortAccessMode(mode: unknown): string {
  const short: Readonly<Record<string, string>> = {
    ReadWriteOnce: "RWO",
    ReadOnlyMany: "ROX",
    ReadWriteMany: "RWX",
    ReadWriteOncePod: "RWOP",
  };
  return short[String(mode)] ?? "";
}
