/** The tree of a query template. Source: Go 1.24, package text/template. Offsets are of the template's text. */

export type TemplateNode =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "print"; readonly pipeline: Pipeline }
  | Branch
  | { readonly kind: "break" | "continue" };

/** `if`, `with` or `range`. `else if` is a branch inside of `otherwise`. */
export interface Branch {
  readonly kind: "if" | "with" | "range";
  readonly pipeline: Pipeline;
  readonly body: readonly TemplateNode[];
  readonly otherwise: readonly TemplateNode[];
}

/** Commands, each fed with the result of the one before; then perhaps put into variables. */
export interface Pipeline {
  readonly commands: readonly Command[];
  /** `$x` names. One, or two in a `range`. */
  readonly variables: readonly string[];
  /** `=` changes an outer variable, `:=` makes a new one. */
  readonly assigns: boolean;
  readonly offset: number;
}

/** A function with its arguments, or one value. */
export interface Command {
  readonly head: Operand;
  readonly args: readonly Operand[];
}

export interface Operand {
  readonly term: Term;
  /** Fields behind it: `b` and `c` in `a.b.c`. */
  readonly fields: readonly string[];
  readonly offset: number;
}

export type Term =
  | { readonly kind: "literal"; readonly value: string | number | bigint | boolean | undefined }
  | { readonly kind: "function"; readonly name: string }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "dot" }
  | { readonly kind: "pipeline"; readonly pipeline: Pipeline };
