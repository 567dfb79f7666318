import { err, ok, type Result } from "#base";
import { builtinFunctions, lazyFunctions } from "./template-functions.ts";
import { TemplateError } from "./template-lexer.ts";
import { parseTemplate } from "./template-parser.ts";
import type { Branch, Command, Operand, Pipeline, TemplateNode } from "./template-syntax.ts";
import { isTrue, kindOf, sortedEntries, type TemplateValue, textOf } from "./template-values.ts";

/** What `{{ name }}` and the like stand for. Source: flagger-spec 5.3. */
export interface TemplateValues {
  readonly name: string;
  readonly namespace: string;
  readonly target: string;
  readonly service: string;
  readonly ingress: string;
  readonly route: string;
  readonly interval: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** Queries are a few hundred characters; a template that makes more is a mistake. */
const MAX_OUTPUT_LENGTH = 64 * 1024;
/** Evaluated nodes; a loop over all variables of a metric takes a few hundred. */
const MAX_STEP_COUNT = 100_000;
/** Functions work on every character of their texts, so long ones count for more. */
const CHARACTERS_PER_STEP = 256;

/**
 * Renders a query template: Go's template language without data (`.` is nothing outside of `range` and `with`).
 *
 * Known: the values, `variables.KEY`, the functions of `template-functions.ts`, pipes, parentheses, variables, `if`, `with`,
 * `range`, `break`, `continue`, comments and trim markers. Always ends; the error names line and column.
 * Source: flagger-spec 5.3; Go package text/template.
 */
export function renderTemplate(source: string, values: TemplateValues): Result<string, string> {
  const isFunction = (name: string): boolean =>
    Object.hasOwn(values, name) || builtinFunctions.has(name) || lazyFunctions.has(name);
  try {
    const nodes = parseTemplate(source, isFunction);
    const state: State = { source, values, variables: [["$", undefined]], output: [], length: 0, stepCount: 0 };
    renderAll(nodes, undefined, state);
    return ok(state.output.join(""));
  } catch (thrown) {
    if (thrown instanceof TemplateError) return err(known(thrown.message, values));
    throw thrown;
  }
}

function known(message: string, values: TemplateValues): string {
  return /"[^"$]*" is not defined$/.test(message)
    ? `${message}; known are ${[...Object.keys(values), ...builtinFunctions.keys(), ...lazyFunctions].join(", ")}`
    : message;
}

interface State {
  readonly source: string;
  readonly values: TemplateValues;
  /** Innermost last. */
  readonly variables: [name: string, value: TemplateValue][];
  readonly output: string[];
  length: number;
  stepCount: number;
}

type Flow = "on" | "break" | "continue";

function renderAll(nodes: readonly TemplateNode[], dot: TemplateValue, state: State): Flow {
  const mark = state.variables.length;
  for (const node of nodes) {
    const flow = renderNode(node, dot, state);
    if (flow === "on") continue;
    state.variables.length = mark;
    return flow;
  }
  state.variables.length = mark;
  return "on";
}

function renderNode(node: TemplateNode, dot: TemplateValue, state: State): Flow {
  switch (node.kind) {
    case "text":
      write(node.text, 0, state);
      return "on";
    case "print": {
      const value = evaluate(node.pipeline, dot, state);
      if (node.pipeline.variables.length > 0) return "on";
      if (value === undefined)
        throw new TemplateError("the expression gives nothing; expected a value", state.source, node.pipeline.offset);
      write(textOf(value), node.pipeline.offset, state);
      return "on";
    }
    case "break":
    case "continue":
      return node.kind;
    case "range":
      return renderRange(node, dot, state);
    case "if":
    case "with": {
      const mark = state.variables.length;
      const value = evaluate(node.pipeline, dot, state);
      const flow = isTrue(value)
        ? renderAll(node.body, node.kind === "with" ? value : dot, state)
        : renderAll(node.otherwise, dot, state);
      state.variables.length = mark;
      return flow;
    }
  }
}

function renderRange(node: Branch, dot: TemplateValue, state: State): Flow {
  const { pipeline } = node;
  const over = evaluate({ ...pipeline, variables: [] }, dot, state);
  const [first, second] = pipeline.variables;
  let isEmpty = true;
  for (const [key, item] of itemsOf(over, pipeline, state)) {
    isEmpty = false;
    step(state, pipeline.offset);
    const mark = state.variables.length;
    // One name is the item, two are key and item.
    const pairs: [string | undefined, TemplateValue][] =
      second === undefined
        ? [[first, item]]
        : [
            [first, key],
            [second, item],
          ];
    for (const [name, value] of pairs) if (name !== undefined) bind({ name, value }, pipeline, state);
    const flow = renderAll(node.body, item, state);
    state.variables.length = mark;
    if (flow === "break") break;
  }
  return isEmpty ? renderAll(node.otherwise, dot, state) : "on";
}

/** A map goes by its sorted keys, a whole number counts from 0. */
function* itemsOf(over: TemplateValue, at: Pipeline, state: State): Generator<[TemplateValue, TemplateValue]> {
  if (typeof over === "object") yield* sortedEntries(over);
  else if (typeof over === "bigint") for (let i = 0n; i < over; i++) yield [i, i];
  else if (over !== undefined)
    throw new TemplateError(`"range" cannot go over a ${kindOf(over)}; expected a map`, state.source, at.offset);
}

function evaluate(pipeline: Pipeline, dot: TemplateValue, state: State): TemplateValue {
  let value: TemplateValue;
  for (const [i, command] of pipeline.commands.entries())
    value = evaluateCommand(command, { dot, piped: i === 0 ? [] : [value], state });
  for (const name of pipeline.variables) bind({ name, value }, pipeline, state);
  return value;
}

function bind(
  { name, value }: { readonly name: string; readonly value: TemplateValue },
  { assigns, offset }: Pipeline,
  { variables, source }: State,
): void {
  if (!assigns) return void variables.push([name, value]);
  const variable = variables.findLast(([known]) => known === name);
  if (variable === undefined) throw new TemplateError(`the variable ${name} is not defined`, source, offset);
  variable[1] = value;
}

interface Setting {
  readonly dot: TemplateValue;
  /** The result of the command before, which becomes the last argument. */
  readonly piped: readonly TemplateValue[];
  readonly state: State;
}

function evaluateCommand({ head, args }: Command, { dot, piped, state }: Setting): TemplateValue {
  step(state, head.offset);
  const { term } = head;
  if (term.kind !== "function" || head.fields.length > 0) {
    if (piped.length > 0) throw new TemplateError("a value takes no argument from a pipe", state.source, head.offset);
    return operandValue(head, dot, state);
  }
  if (lazyFunctions.has(term.name)) return evaluateLazily({ head, args }, { dot, piped, state });
  return call(head, [...args.map((argument) => operandValue(argument, dot, state)), ...piped], state);
}

function evaluateLazily({ head, args }: Command, { dot, piped, state }: Setting): TemplateValue {
  const isOr = head.term.kind === "function" && head.term.name === "or";
  const count = args.length + piped.length;
  if (count === 0)
    throw new TemplateError(`"${isOr ? "or" : "and"}" needs at least 1 argument`, state.source, head.offset);
  let value: TemplateValue;
  for (const argument of args) {
    value = operandValue(argument, dot, state);
    if (isTrue(value) === isOr) return value;
  }
  return piped.length > 0 ? piped[0] : value;
}

function operandValue(operand: Operand, dot: TemplateValue, state: State): TemplateValue {
  step(state, operand.offset);
  let value = termValue(operand, dot, state);
  for (const name of operand.fields) value = fieldOf(value, name, { operand, state });
  return value;
}

function termValue(operand: Operand, dot: TemplateValue, state: State): TemplateValue {
  const { term } = operand;
  switch (term.kind) {
    case "literal":
      return term.value;
    case "dot":
      return dot;
    case "variable":
      return state.variables.findLast(([name]) => name === term.name)?.[1];
    case "function":
      return call(operand, [], state);
    case "pipeline":
      return evaluate(term.pipeline, dot, state);
  }
}

function fieldOf(value: TemplateValue, name: string, at: { operand: Operand; state: State }): string {
  const { offset } = at.operand;
  const { source } = at.state;
  if (value === undefined)
    throw new TemplateError(
      `".${name}" has no data before it; expected a function without a dot, such as "namespace", or "variables.${name}"`,
      source,
      offset,
    );
  if (typeof value !== "object") throw new TemplateError(`a ${kindOf(value)} has no field "${name}"`, source, offset);
  const field = Object.hasOwn(value, name) ? value[name] : undefined;
  if (field !== undefined) return field;
  throw new TemplateError(`variable "${name}" is not set; add it to templateVariables`, source, offset);
}

function call({ term, offset }: Operand, args: readonly TemplateValue[], state: State): TemplateValue {
  const name = term.kind === "function" ? term.name : "";
  const fail = (message: string): never => {
    throw new TemplateError(message, state.source, offset);
  };
  if (Object.hasOwn(state.values, name)) {
    if (args.length > 0) fail(`"${name}" takes no arguments, received ${args.length}`);
    return state.values[name as keyof TemplateValues];
  }
  const builtin = builtinFunctions.get(name);
  if (builtin === undefined) return fail(`"${name}" needs at least 1 argument`);
  let value: TemplateValue;
  try {
    value = builtin(args);
  } catch (thrown) {
    return fail(thrown instanceof Error ? thrown.message : String(thrown));
  }
  if (lengthOf(value) > MAX_OUTPUT_LENGTH) fail(tooLong);
  const length = args.reduce<number>((sum, argument) => sum + lengthOf(argument), lengthOf(value));
  step(state, offset, Math.floor(length / CHARACTERS_PER_STEP));
  return value;
}

function lengthOf(value: TemplateValue): number {
  return typeof value === "string" ? value.length : 0;
}

const tooLong = `the rendered query is longer than ${MAX_OUTPUT_LENGTH} characters`;

function write(text: string, offset: number, state: State): void {
  step(state, offset);
  state.length += text.length;
  if (state.length > MAX_OUTPUT_LENGTH) throw new TemplateError(tooLong, state.source, offset);
  state.output.push(text);
}

function step(state: State, offset: number, count = 1): void {
  state.stepCount += count;
  if (state.stepCount > MAX_STEP_COUNT)
    throw new TemplateError(`the template takes more than ${MAX_STEP_COUNT} steps`, state.source, offset);
}
