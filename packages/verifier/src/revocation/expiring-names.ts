/** Names that are forgotten together, minute by minute, once their time is over; some with a number. */

const bucketMs = 60_000

/** A name costs its text and a small number: there may be a million. */
export interface ExpiringNames {
  readonly has: (name: string) => boolean
  /** Kept until then at least, and for a minute more at most; one that is there already until the later of the two. */
  readonly add: (name: string, untilMs: number) => void
  readonly forgetBefore: (nowMs: number) => void
  readonly size: () => number
}

export interface ExpiringNumbers extends Pick<ExpiringNames, 'forgetBefore' | 'size'> {
  readonly get: (name: string) => number | undefined
  /** Of two numbers of one name the greater counts. */
  readonly raise: (name: string, value: number, untilMs: number) => void
}

export function expiringNames(forgotten: (name: string) => void = () => undefined): ExpiringNames {
  const bucketOf = new Map<string, number>()
  const buckets = new Map<number, string[]>()
  return {
    has: name => bucketOf.has(name),
    size: () => bucketOf.size,
    add: (name, untilMs) => {
      const bucket = Math.ceil(untilMs / bucketMs)
      if (bucket <= (bucketOf.get(name) ?? -1)) return
      bucketOf.set(name, bucket)
      const names = buckets.get(bucket)
      if (names === undefined) buckets.set(bucket, [name])
      else names.push(name)
    },
    forgetBefore: nowMs => {
      for (const [bucket, names] of buckets) {
        if (bucket * bucketMs > nowMs) continue
        buckets.delete(bucket)
        // One that was prolonged stands in a later bucket too.
        for (const name of names.filter(each => bucketOf.get(each) === bucket)) {
          bucketOf.delete(name)
          forgotten(name)
        }
      }
    },
  }
}

export function expiringNumbers(): ExpiringNumbers {
  const values = new Map<string, number>()
  const names = expiringNames(name => values.delete(name))
  return {
    get: name => values.get(name),
    size: names.size,
    forgetBefore: names.forgetBefore,
    raise: (name, value, untilMs) => {
      values.set(name, Math.max(value, values.get(name) ?? 0))
      names.add(name, untilMs)
    },
  }
}
