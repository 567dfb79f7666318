import { UnusableObject } from "./finding.ts";

/** Characters that a request target, a host or a URL is made of. */
const VISIBLE = /^[\x21-\x7e]*$/;

/**
 * Checks a text of a route that ends in the head of a message, where a blank or a line break would begin something else.
 *
 * @throws UnusableObject naming the field.
 */
export function checkVisible<T extends string | undefined>(field: string, text: T): T {
  if (text !== undefined && !VISIBLE.test(text))
    throw new UnusableObject(`${field}: must be visible ASCII without blanks, received ${JSON.stringify(text)}`);
  return text;
}
