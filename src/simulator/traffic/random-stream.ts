import type { Random } from "#base";

const WARM_UP_DRAWS = 12;
const TWO_TO_32 = 4_294_967_296;

/**
 * A seeded source of chance with 128 bits of state: simulations draw billions of numbers in thousands of streams, and streams of
 * a generator with 32 bits of state would be pieces of one another.
 *
 * The same seed and stream give the same sequence on every machine. Source: C. Doty-Humphrey's sfc32, from PractRand.
 */
export function randomStream(seed: number, stream: string): Random {
  let a = seed >>> 0;
  let b = Math.floor(seed / TWO_TO_32) >>> 0;
  let c = hashText(stream);
  let counter = 1;
  const step = (): number => {
    const mixed = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + mixed;
    return mixed >>> 0;
  };
  for (let draw = 0; draw < WARM_UP_DRAWS; draw += 1) step();
  return { next: () => step() / TWO_TO_32 };
}

/** Source: FNV-1a, 32 bits. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
