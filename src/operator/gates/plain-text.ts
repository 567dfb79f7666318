/** Colors and cursor moves that command line tools write. Source: ECMA-48, control sequences. */
const TERMINAL_SEQUENCE = new RegExp(`${String.fromCharCode(27)}\\[[0-?]*[ -/]*[@-~]`, "g");

/**
 * Makes one line of what others wrote, for events, logs and messages: no terminal sequences, no control or invisible
 * formatting characters, no runs of white space, at most `maxLength` characters (the last is … when some are missing).
 */
export function plainText(text: string, maxLength: number): string {
  const line = text
    .replace(TERMINAL_SEQUENCE, "")
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim();
  const characters = Array.from(line);
  return characters.length <= maxLength ? line : `${characters.slice(0, maxLength - 1).join("")}…`;
}
