/** Remembers the last so many texts. */
export interface Recent {
  /** True when the text was not among them; it is from now on. */
  add(text: string): boolean;
}

export function createRecent(maxCount: number): Recent {
  const texts = new Set<string>();
  return {
    add(text) {
      const isNew = !texts.delete(text);
      texts.add(text);
      const [oldest] = texts;
      if (texts.size > maxCount && oldest !== undefined) texts.delete(oldest);
      return isNew;
    },
  };
}
