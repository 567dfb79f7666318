/** Everything that could move a cursor, hide or reorder text: what is printed may have been written by anybody. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** One line of plain text of what others wrote. */
export function oneLine(text: string): string {
  return text.replace(INVISIBLE, " ").replace(/\s+/g, " ").trim();
}

const MIN_WIDTH = 60;
/** Longer lines are hard to read, however wide the terminal is. */
const MAX_WIDTH = 100;

/** Columns of a report on a stream; what is no terminal has eighty. */
export function pageWidth({ columns = 80 }: { readonly columns?: number }): number {
  return Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, columns));
}

/** Breaks text at spaces into lines of at most `width` characters; a word that is longer is cut. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of oneLine(text)
    .split(" ")
    .flatMap((part) => pieces(part, width))) {
    if (line === "") line = word;
    else if (line.length + 1 + word.length <= width) line += ` ${word}`;
    else {
      lines.push(line);
      line = word;
    }
  }
  return line === "" && lines.length > 0 ? lines : [...lines, line];
}

function pieces(word: string, width: number): string[] {
  const parts: string[] = [];
  for (let rest = word; rest !== "" || parts.length === 0; rest = rest.slice(width)) parts.push(rest.slice(0, width));
  return parts;
}

/** Lines with a label in front of the first, the others below it. */
export function labelled(
  label: string,
  text: string,
  options: { readonly indent: number; readonly width: number },
): string[] {
  const { indent, width } = options;
  const [first = "", ...rest] = wrap(text, Math.max(20, width - indent));
  return [`${label.padEnd(indent)}${first}`, ...rest.map((line) => `${" ".repeat(indent)}${line}`)];
}
