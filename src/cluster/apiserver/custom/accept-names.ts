import type { Condition, KubeObject } from "#api";
import { setCondition } from "#api";
import { isObject } from "#base";

/** The names under which a custom resource is known; no two definitions of a group may share one. */
interface Names {
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly kind: string;
  readonly listKind: string;
  readonly categories: readonly string[];
}

interface NameConflict {
  readonly reason: string;
  readonly message: string;
}

/**
 * Decides which names a definition gets among the other definitions of its group, and says so in its status: first come,
 * first served. A definition whose names are not all its own is not served.
 *
 * Source: apiextensions `status.NamingConditionController`.
 */
export function acceptedStatus(crd: KubeObject, others: readonly KubeObject[], now: string): Record<string, unknown> {
  const status = isObject(crd.status) ? crd.status : {};
  const wanted = namesOf(isObject(crd.spec) ? crd.spec["names"] : undefined);
  const taken = others.filter((other) => other !== crd && groupOf(other) === groupOf(crd)).map(acceptedNamesOf);
  const conflict = conflictOf(wanted, taken);
  const had = Array.isArray(status["conditions"]) ? (status["conditions"] as Condition[]) : undefined;
  return {
    ...status,
    conditions: conditionsFor(had, conflict, now),
    acceptedNames: conflict === undefined ? namesField(wanted) : (status["acceptedNames"] ?? { plural: "", kind: "" }),
    storedVersions: storedVersions(crd, status),
  };
}

function conditionsFor(
  had: readonly Condition[] | undefined,
  conflict: NameConflict | undefined,
  now: string,
): readonly Condition[] {
  if (conflict === undefined) {
    const accepted = setCondition(
      had,
      { type: "NamesAccepted", status: "True", reason: "NoConflicts", message: "no conflicts found" },
      now,
    );
    const established = {
      type: "Established",
      status: "True",
      reason: "InitialNamesAccepted",
      message: "the initial names have been accepted",
    } as const;
    return setCondition(accepted, established, now);
  }
  const refused = setCondition(had, { type: "NamesAccepted", status: "False", ...conflict }, now);
  // Once established, a definition stays so: its objects must stay within reach.
  if (had?.some(({ type, status }) => type === "Established" && status === "True") === true) return refused;
  return setCondition(
    refused,
    { type: "Established", status: "False", reason: "NotAccepted", message: "not all names are accepted" },
    now,
  );
}

/** The last conflict in this order is the one that is told, as the real server does. */
function conflictOf(wanted: Names, taken: readonly Names[]): NameConflict | undefined {
  const resources = new Set(taken.flatMap((names) => [names.plural, names.singular, ...names.shortNames]));
  const kinds = new Set(taken.flatMap((names) => [names.kind, names.listKind]));
  const checks: readonly [reason: string, values: readonly string[], used: ReadonlySet<string>][] = [
    ["PluralConflict", [wanted.plural], resources],
    ["SingularConflict", [wanted.singular], resources],
    ["ShortNamesConflict", wanted.shortNames, resources],
    ["KindConflict", [wanted.kind], kinds],
    ["ListKindConflict", [wanted.listKind], kinds],
  ];
  let conflict: NameConflict | undefined;
  for (const [reason, values, used] of checks) {
    const doubled = values.find((value) => value !== "" && used.has(value));
    if (doubled !== undefined) conflict = { reason, message: `${JSON.stringify(doubled)} is already in use` };
  }
  // The kind alone in use makes the kind of its list one, too: `Widget` and `WidgetList` come together.
  return conflict;
}

function groupOf(crd: KubeObject): unknown {
  return isObject(crd.spec) ? crd.spec["group"] : undefined;
}

function acceptedNamesOf(crd: KubeObject): Names {
  return namesOf(isObject(crd.status) ? crd.status["acceptedNames"] : undefined);
}

function namesOf(value: unknown): Names {
  const fields = isObject(value) ? value : {};
  const text = (name: string): string => (typeof fields[name] === "string" ? fields[name] : "");
  const texts = (name: string): readonly string[] => (Array.isArray(fields[name]) ? fields[name].map(String) : []);
  return {
    plural: text("plural"),
    singular: text("singular"),
    shortNames: texts("shortNames"),
    kind: text("kind"),
    listKind: text("listKind"),
    categories: texts("categories"),
  };
}

function namesField(names: Names): Record<string, unknown> {
  const { shortNames, categories, ...rest } = names;
  return {
    ...rest,
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
  };
}

/** Versions in which objects may lie in the store: the storage version joins those of before. */
function storedVersions(crd: KubeObject, status: Record<string, unknown>): readonly string[] {
  const had = Array.isArray(status["storedVersions"]) ? status["storedVersions"].map(String) : [];
  const versions =
    isObject(crd.spec) && Array.isArray(crd.spec["versions"]) ? crd.spec["versions"].filter(isObject) : [];
  const storage = versions.find((version) => version["storage"] === true);
  const name = typeof storage?.["name"] === "string" ? storage["name"] : undefined;
  return name === undefined || had.includes(name) ? had : [...had, name];
}
