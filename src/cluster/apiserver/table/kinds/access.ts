import type { KubeObject } from "#api";
import {
  ageColumn,
  ageOf,
  at,
  hasCondition,
  listAt,
  nameColumn,
  nameOf,
  type Printer,
  text,
  textAt,
  wide,
} from "../printer.ts";

/** Role bindings, and the registrations of servers and webhooks. Source: kubernetes `printers/internalversion`. */

export const roleBindingPrinter: Printer = {
  columns: [
    nameColumn,
    text("Role", "Role that is granted."),
    ageColumn,
    wide(text("Users", "Users that get it.")),
    wide(text("Groups", "Groups that get it.")),
    wide(text("ServiceAccounts", "Service accounts that get it.")),
  ],
  cells: (binding, nowMs) => [
    nameOf(binding),
    `${textAt(binding, "roleRef", "kind")}/${textAt(binding, "roleRef", "name")}`,
    ageOf(binding, nowMs),
    subjects(binding, "User"),
    subjects(binding, "Group"),
    subjects(binding, "ServiceAccount"),
  ],
};

function subjects(binding: KubeObject, kind: string): string {
  return listAt(binding, "subjects")
    .filter((subject) => textAt(subject, "kind") === kind)
    .map((subject) => {
      const namespace = textAt(subject, "namespace");
      return kind === "ServiceAccount" ? `${namespace}/${textAt(subject, "name")}` : textAt(subject, "name");
    })
    .join(", ");
}

export const webhookConfigurationPrinter: Printer = {
  columns: [nameColumn, text("Webhooks", "How many webhooks it registers."), ageColumn],
  cells: (configuration, nowMs) => [
    nameOf(configuration),
    listAt(configuration, "webhooks").length,
    ageOf(configuration, nowMs),
  ],
};

export const apiServicePrinter: Printer = {
  columns: [
    nameColumn,
    text("Service", "Service that answers for the group."),
    text("Available", "Whether it answers."),
    ageColumn,
  ],
  cells: (apiService, nowMs) => {
    const service = at(apiService, "spec", "service");
    const isAvailable = hasCondition(listAt(apiService, "status", "conditions"), "Available");
    return [
      nameOf(apiService),
      service === undefined || service === null
        ? "Local"
        : `${textAt(service, "namespace")}/${textAt(service, "name")}`,
      isAvailable ? "True" : "False",
      ageOf(apiService, nowMs),
    ];
  },
};
