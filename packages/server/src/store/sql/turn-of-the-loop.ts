/** Resolves in the next turn of the event loop: what arrived meanwhile has had its turn by then. */
export function turnOfTheLoop(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
