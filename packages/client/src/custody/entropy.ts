/** The only file of this package that asks the machine for chance. */

/** Unguessable bytes, as many as asked for. */
export function drawBytes(count: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(count))
}
