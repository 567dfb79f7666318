/**
 * Returns an upper bound of how deeply a YAML text is nested, found without parsing it.
 *
 * The parser's work and its regular expressions grow with the nesting, and beyond some thousand levels they end the
 * process, so that a text has to be judged before it is given to it. Brackets in quoted texts count too: the bound may be
 * too high, never too low.
 */
export function yamlDepthBound(text: string): number {
  let deepest = 0;
  let flowDepth = 0;
  const indents: number[] = [];
  for (const line of text.split("\n")) {
    const start = line.search(/\S/);
    if (start < 0) continue;
    while (indents.length > 0 && (indents.at(-1) ?? 0) >= start) indents.pop();
    indents.push(start);
    let widest = flowDepth;
    for (const char of line) {
      if (char === "[" || char === "{") widest = Math.max(widest, ++flowDepth);
      else if (char === "]" || char === "}") flowDepth = Math.max(0, flowDepth - 1);
    }
    deepest = Math.max(deepest, indents.length + indicatorCount(line) + widest);
  }
  return deepest;
}

/** Each `- `, `? ` or `: ` at the beginning of a line opens a level: `- - - a` is a list in a list in a list. */
function indicatorCount(line: string): number {
  const [prefix = ""] = /^(?:\s*[-?:](?=\s|$))*/.exec(line) ?? [];
  return prefix.replaceAll(/\s/g, "").length;
}
