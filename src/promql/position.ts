import type { Position } from "./ast.ts";

/** Line and column of an offset in a text. */
export function locate(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return { line, column: offset - before.lastIndexOf("\n") };
}
