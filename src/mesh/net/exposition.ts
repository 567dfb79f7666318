/** Pieces of Prometheus' text format. Source: Prometheus, "Exposition formats", text format 0.0.4. */

export function exposeHeader(name: string, type: "counter" | "gauge" | "histogram"): string {
  return `# TYPE ${name} ${type}\n`;
}

/** `a="x",b="y"`, without braces, so that more labels can follow. */
export function labelText(labels: readonly (readonly [name: string, value: string])[]): string {
  return labels.map(([name, value]) => `${name}="${escapeLabel(value)}"`).join(",");
}

function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`));
}
