/** A map whose entries are forgotten together, minute by minute, once their time is over. */

const bucketMs = 60_000

export interface ExpiringMap<T> {
  readonly get: (key: string) => T | undefined
  /** Kept until then at least; a key that is there already is kept until the later of the two. */
  readonly set: (key: string, value: T, untilMs: number) => void
  /** The same, where the greater of two values counts. */
  readonly raise: (key: string, value: T, untilMs: number) => void
  readonly forgetBefore: (nowMs: number) => void
  readonly size: () => number
}

export function expiringMap<T extends number | true>(): ExpiringMap<T> {
  const entries = new Map<string, { readonly value: T; readonly untilMs: number }>()
  const buckets = new Map<number, string[]>()

  function set(key: string, value: T, untilMs: number): void {
    const known = entries.get(key)
    const until = Math.max(untilMs, known?.untilMs ?? 0)
    entries.set(key, { value, untilMs: until })
    if (known?.untilMs === until) return
    const bucket = Math.floor(until / bucketMs)
    const keys = buckets.get(bucket)
    if (keys === undefined) buckets.set(bucket, [key])
    else keys.push(key)
  }

  return {
    set,
    get: key => entries.get(key)?.value,
    raise: (key, value, untilMs) => {
      const known = entries.get(key)?.value
      set(key, known !== undefined && known > value ? known : value, untilMs)
    },
    forgetBefore: nowMs => {
      for (const [bucket, keys] of buckets) {
        if ((bucket + 1) * bucketMs > nowMs) continue
        buckets.delete(bucket)
        for (const key of keys)
          if ((entries.get(key)?.untilMs ?? Number.POSITIVE_INFINITY) <= nowMs) entries.delete(key)
      }
    },
    size: () => entries.size,
  }
}
