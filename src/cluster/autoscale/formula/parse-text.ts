import jsep from "jsep";
import { err, messageOf, ok, type Result } from "#base";
import { BINDING, UNARY_BINDING } from "./expression.ts";

/** Longest formula, in UTF-16 units. Source: ours; the longest of KEDA's examples has 120. */
const LENGTH_MAX = 4096;
/** Most signs and brackets, so that no text is nested deeper than the stack. Source: ours. */
const SIGN_COUNT_MAX = 500;
const SIGNS = /[([{?!+\-*/%^<>=&#]|\b(?:and|or|not|in|contains|startsWith|endsWith)\b/g;

/** Syntax as jsep gives it, with two kinds of node of our own: {@link GROUP} and {@link ELEMENT}. */
export type Syntax = jsep.Expression;

/** `(…)`, kept because what stands in brackets is not taken apart by what binds closer. */
export const GROUP = "Group";
/** `#`. */
export const ELEMENT = "Element";
/** `{…}` in the place of a predicate. */
export const BLOCK = "Block";

/** Reads a formula's text; what its names and functions mean is not known yet. */
export function parseText(text: string): Result<Syntax, string> {
  if (text.trim() === "") return err("it is empty");
  if (text.length > LENGTH_MAX) return err(`it has ${text.length} characters; the limit is ${LENGTH_MAX}`);
  const signCount = text.match(SIGNS)?.length ?? 0;
  if (signCount > SIGN_COUNT_MAX)
    return err(`it has ${signCount} operators and brackets; the limit is ${SIGN_COUNT_MAX}`);
  // jsep skips separators around an expression.
  const stray = /^\s*[,;]|[,;]\s*$/.exec(text);
  if (stray !== null) return err(`unexpected ${JSON.stringify(stray[0].trim())} at its end`);
  jsep.plugins.register(dialect);
  try {
    const syntax = jsep(text);
    return syntax.type === "Compound" ? err("it must be one expression") : ok(syntax);
  } catch (thrown) {
    // jsep throws plain errors for what it cannot read, and nothing else.
    return err(messageOf(thrown));
  }
}

/** What expr-lang has and JavaScript has not. The library keeps its settings to itself: they are made once, at the first formula. */
const dialect: jsep.IPlugin = {
  name: "expr-lang",
  init() {
    jsep.removeAllBinaryOps();
    for (const [operator, binding] of Object.entries(BINDING)) {
      jsep.addBinaryOp(operator, binding, binding === BINDING["**"]);
    }
    jsep.removeAllUnaryOps();
    for (const operator of Object.keys(UNARY_BINDING)) jsep.addUnaryOp(operator);
    jsep.removeAllLiterals();
    jsep.addLiteral("true", true);
    jsep.addLiteral("false", false);
    jsep.addLiteral("nil", null);
    jsep.hooks.add("gobble-token", function (environment) {
      const node = ownToken(this);
      if (node !== undefined) environment.node = this.gobbleTokenProperty(node);
    });
    jsep.hooks.add("after-expression", function (environment) {
      // jsep would begin another expression here, or another argument.
      const isEnd = this.index >= this.expr.length || ",)]}:".includes(this.char);
      if (environment.node !== undefined && !isEnd) this.throwError(`Unexpected ${JSON.stringify(this.char)}`);
    });
  },
};

function ownToken(scope: jsep.HookScope): Syntax | undefined {
  switch (scope.char) {
    case "#":
      scope.index++;
      return { type: ELEMENT };
    case "(":
      return { type: GROUP, content: enclosed(scope, ")") };
    case "{":
      return { type: BLOCK, content: enclosed(scope, "}") };
    default:
      return undefined;
  }
}

function enclosed(scope: jsep.HookScope, end: string): Syntax {
  scope.index++;
  const content = scope.gobbleExpression();
  if (scope.char !== end) scope.throwError(`Expected ${JSON.stringify(end)}`);
  scope.index++;
  return content;
}
