/** Emphasis on a terminal, and none elsewhere: what goes into a file or a ticket is plain text. */
export interface Paint {
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly waiting: (text: string) => string;
}

const same = (text: string): string => text;

export const plainPaint: Paint = { strong: same, faint: same, good: same, bad: same, waiting: same };

/** Source: ECMA-48, SGR parameters. */
function sgr(code: number): (text: string) => string {
  return (text) => `\u001b[${code}m${text}\u001b[0m`;
}

const colored: Paint = { strong: sgr(1), faint: sgr(2), good: sgr(32), bad: sgr(31), waiting: sgr(33) };

/** Chooses for a stream. Source: https://no-color.org. */
export function paintFor(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): Paint {
  const isColored = stream.isTTY === true && env.TERM !== "dumb" && (env.NO_COLOR ?? "") === "";
  return isColored ? colored : plainPaint;
}
