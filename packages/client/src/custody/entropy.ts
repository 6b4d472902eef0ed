/** The only file of this package that asks the machine for chance. */

/** Unguessable bytes, as many as asked for. */
export function drawBytes(count: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(count))
}

/** A number from 0 up to but not including 1, with 32 random bits: for jitter. */
export function randomShare(): number {
  const [word = 0] = crypto.getRandomValues(new Uint32Array(1))
  return word / 2 ** 32
}
