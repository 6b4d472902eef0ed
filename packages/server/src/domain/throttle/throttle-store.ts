/** Counters that survive a restart and are the same on every node. Keys are keyed hashes: the table names nobody. */

export interface ThrottleStore {
  /**
   * Counts one more against the key and answers the count, the new one included, within the window that began with the
   * key's first charge. Charge before the attempt and refund after success: two attempts at once cannot both be first.
   */
  charge(key: string, windowSeconds: number): Promise<{ readonly count: number; readonly windowEndsAtMs: number }>
  refund(key: string): Promise<void>
  /** The count as it stands, within its window; null where no window runs. Writes nothing. */
  look(key: string): Promise<{ readonly count: number; readonly windowEndsAtMs: number } | null>
}
