/** One measured number of a benchmark. */
export interface Figure {
  readonly value: number;
  readonly unit: string;
  /** What was aimed at, in words, such as `>= 0.5`; absent for a number that is only reported. */
  readonly aim?: string;
  readonly met?: boolean;
}

/** Figures by name. */
export type Figures = Readonly<Record<string, Figure>>;

/** Makes a figure with an aim: at least, or at most, a bound. */
export function aimed(
  value: number,
  unit: string,
  aim: { readonly atLeast: number } | { readonly atMost: number },
): Figure {
  const rounded = Number(value.toPrecision(4));
  if ("atLeast" in aim) return { value: rounded, unit, aim: `>= ${aim.atLeast}`, met: value >= aim.atLeast };
  return { value: rounded, unit, aim: `<= ${aim.atMost}`, met: value <= aim.atMost };
}

/** Makes a figure without an aim. */
export function reported(value: number, unit: string): Figure {
  return { value: Number(value.toPrecision(4)), unit };
}
