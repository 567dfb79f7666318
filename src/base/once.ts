/** A value that is worked out when it is first asked for, and kept. Of a pure function: nobody can tell when, or whether, it ran. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
