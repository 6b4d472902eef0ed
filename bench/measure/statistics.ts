/** The smallest value that at least `share` of the values do not exceed. `sorted` is in ascending order; NaN when empty. */
export function percentile(sorted: readonly number[], share: number): number {
  const rank = Math.max(1, Math.ceil(sorted.length * share))
  return sorted[rank - 1] ?? Number.NaN
}

/** The middle value, or the mean of the middle two. NaN when empty. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)] ?? Number.NaN
  if (!Number.isInteger(middle)) return upper
  return (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

/** Like `median`, of values that some systems cannot tell: null as soon as one is missing. */
export function medianKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter(value => value !== null)
  return known.length < values.length || known.length === 0 ? null : median(known)
}
