/**
 * What names of things may look like, with the texts of the real server. Each check returns the faults, none when the
 * name is good.
 *
 * Source: apimachinery `util/validation`.
 */
export type NameCheck = (name: string) => readonly string[];

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE = `(${QUALIFIED})?`;

/** A lowercase RFC 1123 label, up to 63 characters: names of namespaces, containers, ports. */
export const dnsLabel: NameCheck = checked({
  pattern: LABEL,
  maxLength: 63,
  explanation:
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  examples: ["my-name", "123-abc"],
});

/** A lowercase RFC 1123 subdomain, up to 253 characters: names of most objects. */
export const dnsSubdomain: NameCheck = checked({
  pattern: SUBDOMAIN,
  maxLength: 253,
  explanation:
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  examples: ["example.com"],
});

/** An RFC 1035 label, up to 63 characters, which starts with a letter: names of Services. */
export const dns1035Label: NameCheck = checked({
  pattern: LABEL_1035,
  maxLength: 63,
  explanation:
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  examples: ["my-name", "abc-123"],
});

/** The value of a label: empty, or up to 63 characters. */
export const labelValue: NameCheck = checked({
  pattern: LABEL_VALUE,
  maxLength: 63,
  explanation:
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  examples: ["MyValue", "my_value", "12345"],
});

const qualifiedPart: NameCheck = checked({
  pattern: QUALIFIED,
  maxLength: 63,
  explanation:
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  examples: ["MyName", "my.name", "123-abc"],
});

/** A key of a label or annotation: a name, or a DNS subdomain, a slash and a name. */
export const qualifiedName: NameCheck = (name) => {
  const parts = name.split("/");
  if (parts.length > 2) {
    const explanation =
      "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
    return [
      `${explanation}${regexNote(QUALIFIED, ["MyName", "my.name", "123-abc"])} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const [first = "", second] = parts;
  if (second === undefined) return namePart(first);
  const prefix =
    first === "" ? ["prefix part must be non-empty"] : dnsSubdomain(first).map((fault) => `prefix part ${fault}`);
  return [...prefix, ...namePart(second)];
};

function namePart(part: string): readonly string[] {
  const faults = qualifiedPart(part).map((fault) =>
    fault.startsWith("must be no more") ? `name part ${fault}` : fault,
  );
  return part === "" ? ["name part must be non-empty", ...faults] : faults;
}

/** A path segment: anything but `.`, `..`, and texts with `/` or `%`: names of roles and bindings. */
export const pathSegment: NameCheck = (name) => {
  if (name === "." || name === "..") return [`may not be '${name}'`];
  return ["/", "%"].filter((part) => name.includes(part)).map((part) => `may not contain '${part}'`);
};

interface Shape {
  readonly pattern: string;
  readonly maxLength: number;
  readonly explanation: string;
  readonly examples: readonly string[];
}

function checked({ pattern, maxLength, explanation, examples }: Shape): NameCheck {
  const shape = new RegExp(`^(?:${pattern})$`);
  return (name) => {
    // The shape is tested on a bounded text only: its nested repeats cost quadratic time.
    const tooLong = name.length > maxLength ? [`must be no more than ${maxLength} characters`] : [];
    const isRight = shape.test(name.slice(0, maxLength + 1));
    return isRight ? tooLong : [...tooLong, `${explanation}${regexNote(pattern, examples)}`];
  };
}

function regexNote(pattern: string, examples: readonly string[]): string {
  const quoted = examples.map((example, i) => (i === 0 ? `'${example}'` : ` or '${example}'`)).join(", ");
  return ` (e.g. ${quoted}, regex used for validation is '${pattern}')`;
}
